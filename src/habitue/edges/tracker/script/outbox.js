/**
 * Messages that have not been accepted yet, kept so that they survive this page.
 *
 * Every page writes its own list, so no two ever overwrite each other. A list is *free* once its page
 * has gone, by its own word or because it has been silent for 90 seconds; the next page takes it over
 * and sends it. Should two take over the same list, the collector stores each message once all the
 * same. At most 200 messages and 256 kB are kept, the newest, for 7 days.
 */
import { drop, keep, kept, quietly, random, recall } from "./environment.js";

export const MESSAGES_MAX = 200;
/** 256 kB, for browsers keep two bytes for each character. */
const CHARACTERS_MAX = 131072;
const AGE_MAX_MS = 604800000;
const SILENT_MS = 90000;
const LIST = "o.";

const own = LIST + random(6);

/**
 * Writes the page's list. `entries` are JSON texts, oldest first.
 * @param {string[]} entries @param {boolean} isFree
 */
export function save(entries, isFree) {
  let from = entries.length;
  let room = CHARACTERS_MAX;
  while (from > 0 && entries.length - from < MESSAGES_MAX && (room -= entries[from - 1].length) > 0) {
    from--;
  }
  if (from === entries.length) drop(own);
  else keep(own, "[" + (isFree ? 0 : Date.now()) + "," + entries.slice(from).join(",") + "]");
}

/** Whether this page's list is still there. */
export function isMine() {
  return recall(own) !== null;
}

/**
 * Takes over the lists of pages that have gone. `take` gets each message that is not too old and puts
 * them all into this page's list before it returns.
 * @param {(messages: any[]) => void} take
 */
export function adopt(take) {
  const work = () => {
    kept(LIST).forEach((name) => {
      if (name === own) return;
      quietly(() => {
        const list = quietly(JSON.parse, [recall(name)]) || [0];
        const now = Date.now();
        if (Math.abs(now - list[0]) < SILENT_MS) return;
        take(list.slice(1).filter((/** @type {any} */ each) => each && each.m && each.c && now - each.m.at < AGE_MAX_MS));
        drop(name);
      });
    });
  };
  /** @type {any} */
  const locks = navigator.locks;
  if (!locks) return work();
  const request = quietly(() =>
    locks.request("habitue.outbox", { ifAvailable: true }, (/** @type {any} */ lock) => lock && work()),
  );
  // Where the page has no storage of its own the lock is refused, and there is nothing to take over.
  if (request) request.catch(() => {});
}
