// The peers that run in Node: `node peers.mjs WORKLOAD.json` prints one line of JSON for each engine.
//
// Each gets the promotions in the form that it compiles or caches best, before the clock starts, and
// facts that are already summed up; an evaluation is one call that finds every promotion that holds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ZenEngine } from "@gorules/zen-engine";
import { Environment } from "@marcbachmann/cel-js";
import { LogicEngine } from "json-logic-engine";
import jsonRules from "json-rules-engine";
import { measured } from "./timing.mjs";

const { Engine } = jsonRules;
const { promotions, carts, ...limits } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const pinned = createRequire(import.meta.url)("./package.json").dependencies;

function jsonRulesEngine() {
  const engine = new Engine([], { allowUndefinedFacts: true });
  const operators = { "==": "equal", ">=": "greaterThanInclusive", has: "contains" };
  for (const { id, conditions } of promotions) {
    const all = conditions.map(({ fact, key, operator, value }) => ({
      fact,
      operator: operators[operator],
      value,
      ...(key && { path: `$.${key}` }),
    }));
    engine.addRule({ conditions: { all }, event: { type: "discount", params: { id } } });
  }
  return async (facts) => (await engine.run(facts)).events.map((event) => event.params.id);
}

function jsonLogicEngine() {
  const engine = new LogicEngine();
  const compiled = promotions.map(({ id, conditions }) => {
    const parts = conditions.map(({ fact, key, operator, value }) => {
      const read = { var: key ? `${fact}.${key}` : fact };
      return operator === "has" ? { in: [value, read] } : { [operator]: [read, value] };
    });
    return { id, holds: engine.build({ and: parts }) };
  });
  return (facts) => compiled.filter(({ holds }) => holds(facts)).map(({ id }) => id);
}

const COLUMNS = ["codes", "audiences", "store", "channel", "vip", "units", "spent", "total"];

function zenCell({ key, operator, value }) {
  const literal = JSON.stringify(value);
  if (operator === "has") return `contains($, ${literal})`;
  if (key) return `($.${key} ?? 0) >= ${literal}`;
  return operator === "==" ? literal : `${operator} ${literal}`;
}

function zenEngine() {
  const rules = promotions.map(({ id, conditions }) => {
    const cells = Object.fromEntries(COLUMNS.map((name) => [name, ""]));
    for (const condition of conditions) cells[condition.fact] = zenCell(condition);
    return { _id: `rule ${id}`, ...cells, found: String(id) };
  });
  const inputs = COLUMNS.map((name) => ({ id: name, name, field: name }));
  const outputs = [{ id: "found", name: "id", field: "id" }];
  const nodes = [
    { id: "in", name: "in", type: "inputNode", content: {} },
    {
      id: "table",
      name: "table",
      type: "decisionTableNode",
      content: { hitPolicy: "collect", rules, inputs, outputs },
    },
    { id: "out", name: "out", type: "outputNode", content: {} },
  ];
  const edges = [
    { id: "first", sourceId: "in", targetId: "table", type: "edge" },
    { id: "last", sourceId: "table", targetId: "out", type: "edge" },
  ];
  const decision = new ZenEngine().createDecision({ nodes, edges });
  return async (facts) => (await decision.evaluate(facts)).result.map(({ id }) => id);
}

function celPart({ fact, key, operator, value }) {
  const literal = typeof value === "number" ? `${value}.0` : JSON.stringify(value);
  if (operator === "has") return `${literal} in ${fact}`;
  if (key) return `("${key}" in ${fact} && ${fact}.${key} >= ${literal})`;
  return `${fact} ${operator} ${literal}`;
}

function cel() {
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  const compiled = promotions.map(({ id, conditions }) => ({
    id,
    holds: environment.parse(conditions.map(celPart).join(" && ")),
  }));
  return (facts) => compiled.filter(({ holds }) => holds(facts)).map(({ id }) => id);
}

const engines = {
  "json-rules-engine": jsonRulesEngine,
  "json-logic-engine": jsonLogicEngine,
  "@gorules/zen-engine": zenEngine,
  "@marcbachmann/cel-js": cel,
};
for (const [name, build] of Object.entries(engines)) {
  const times = await measured(build(), carts, limits);
  console.log(JSON.stringify({ engine: name, version: pinned[name], ...times }));
}
process.exit(0);
