// How the peers in Node are timed: medians in microseconds, of calls for a cart and then over carts.
import { performance } from "node:perf_hooks";

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Every cart is evaluated once before the clock starts; what was found then is given back too.
export async function measured(evaluate, carts, { calls_min, calls_max, milliseconds }) {
  const found = [];
  for (const facts of carts) found.push((await evaluate(facts)).sort((a, b) => a - b));
  const times = [];
  for (const facts of carts) {
    const calls = [];
    const enough = performance.now() + milliseconds;
    while (calls.length < calls_max && (calls.length < calls_min || performance.now() < enough)) {
      const started = performance.now();
      await evaluate(facts);
      calls.push((performance.now() - started) * 1000);
    }
    times.push(median(calls));
  }
  return { microseconds: median(times), found };
}
