/**
 * The way of a message to the collector: ten at a time or after two seconds, one batch after another;
 * again with growing random delays while the collector cannot be reached; at once when the page goes.
 *
 * Words: an *entry* is a message with its context (shop, stream, page, session) and whom to tell; a
 * *batch* is entries of one context; an entry *flies* while its request is under way. Every message
 * has an id, so that sending it twice stores it once.
 */
import { api, complain, doc, options, page, quietly, random, stringify } from "./environment.js";
import { MESSAGES_MAX, adopt, isMine, save } from "./outbox.js";
import { consentState, did, isKnown, isRefused, learn, maySend, setConsent, settleDevice, sid } from "./visitor.js";

const BATCH_MESSAGES = 10;
const LAST_BATCH_MESSAGES = 100;
/** Half of what browsers let requests that outlive their page carry together. */
const BATCH_BYTES = 30000;
const KEEPALIVE_BYTES = 60000;
const MESSAGE_CHARACTERS = 250000;
const WAIT_MS = 2000;
/** Somebody waits for the answer. */
const URGENT_MS = 30;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 60000;
const RETRY_AFTER_MAX_MS = 3600000;
const ANSWER_MS = 30000;
const DEVICE_MS = 5000;
const MEMORY_MESSAGES = 20000;
const BEAT_MS = 10000;

/**
 * @typedef {{id: string, at: number, text: string, context: string, flies: boolean, urgent: boolean,
 *   size: number, done?: any, failed?: any}} Entry
 */

/** @type {Entry[]} Oldest first. */
let queue = [];
/** @type {any} */
let timer = 0;
let timerAt = 0;
let failures = 0;
let notBefore = 0;
let isSending = false;
/** How many of the next messages go alone, because one of them was refused in company. */
let alone = 0;
let saving = false;
/** @type {Entry[]} */
let beaconed = [];
/** @type {(() => void)[]} */
let waiters = [];

/** The stream of events: "web", or what the page's init said. */
export const stream = { name: "web" };

/** Bytes of a text in UTF-8. @param {string} text */
function bytesOf(text) {
  return page.TextEncoder ? new TextEncoder().encode(text).length : text.length * 3;
}

/** @param {string} shop */
function contextOf(shop) {
  return stringify({
    shop,
    stream: stream.name,
    sid: sid(),
    page: {
      url: location.href.slice(0, 2000),
      referrer: doc.referrer.slice(0, 2000),
      title: doc.title.slice(0, 500),
    },
  });
}

/**
 * Sends a message, sometime. `done` gets the collector's answer, `failed` its refusal.
 * @param {string} shop @param {string} dialect @param {string} type @param {string} name
 * @param {any} data @param {any} [done] @param {any} [failed]
 */
export function post(shop, dialect, type, name, data, done, failed) {
  if (isRefused()) return later(done, [{ status: "success", stored: 0 }]);
  const message = { id: random(16), at: Date.now(), type, name, data, dialect };
  const text = quietly(stringify, [message]);
  if (!shop || !text || text.length > MESSAGE_CHARACTERS) {
    const why = shop ? "what was passed cannot be sent" : "the shop's id is missing";
    complain(name + ": " + why);
    return later(failed, [{ status: "error", message: why }]);
  }
  if (options.debug) console.log("habitue:", type, name, data);
  const urgent = [done, failed].some((fn) => fn && (!fn.isWanted || fn.isWanted()));
  queue.push(entryOf(message.id, message.at, text, contextOf(shop), urgent, done, failed));
  if (queue.length > MEMORY_MESSAGES) queue.shift();
  persistSoon();
  schedule();
}

/**
 * @param {string} id @param {number} at @param {string} text @param {string} context
 * @param {boolean} urgent @param {any} [done] @param {any} [failed] @returns {Entry}
 */
function entryOf(id, at, text, context, urgent, done, failed) {
  return { id, at, text, context, urgent, done, failed, flies: false, size: bytesOf(text) };
}

/** Calls a function of the page in a turn of its own. @param {any} fn @param {any[]} args */
export function later(fn, args) {
  if (fn) setTimeout(() => quietly(fn, args), 0);
}

function persistSoon() {
  if (saving) return;
  saving = true;
  Promise.resolve().then(() => {
    saving = false;
    persist();
  });
}

/** Writes the outbox. What a hidden page has not sent, others may: it may never be shown again. */
function persist() {
  if (!maySend()) return;
  const newest = queue.slice(-MESSAGES_MAX);
  save(newest.map((each) => '{"m":' + each.text + ',"c":' + each.context + "}"), doc.hidden);
}

/** @param {any[]} messages */
function takeOver(messages) {
  const known = new Set(queue.map((each) => each.id));
  const found = messages.filter((each) => !known.has(each.m.id));
  queue = found
    .map((each) => entryOf(each.m.id, each.m.at, stringify(each.m), stringify(each.c), false))
    .concat(queue);
  persist();
  schedule();
}

/** Sets the clock for the next batch. */
function schedule() {
  const now = Date.now();
  if (isSending || !maySend() || (timer && timerAt <= Math.max(now, notBefore))) return;
  const waiting = queue.filter((each) => !each.flies);
  if (!waiting.length) return settleWaiters();
  let delay = waiting[0].at + WAIT_MS - now;
  // A clock that was set back would keep messages waiting.
  if (delay > WAIT_MS || waiting.length >= BATCH_MESSAGES) delay = 0;
  else if (waiters.length || waiting.some((each) => each.urgent)) delay = Math.min(delay, URGENT_MS);
  const at = now + Math.max(0, delay, notBefore - now);
  if (timer && timerAt <= at) return;
  clearTimeout(timer);
  timerAt = at;
  timer = setTimeout(tick, at - now);
}

function tick() {
  timer = 0;
  if (isSending || !maySend()) return;
  const batch = nextBatch(alone > 0 ? 1 : BATCH_MESSAGES);
  if (!batch.length) return;
  isSending = true;
  if (isKnown) return send(batch, true);
  askForDevice(JSON.parse(batch[0].context).shop).then(() => {
    isSending = false;
    tick();
  });
}

/** @param {number} most @returns {Entry[]} */
function nextBatch(most) {
  const waiting = queue.filter((each) => !each.flies);
  let room = BATCH_BYTES;
  let count = 0;
  while (
    count < waiting.length &&
    count < most &&
    waiting[count].context === waiting[0].context &&
    (count === 0 || room >= waiting[count].size)
  ) {
    room -= waiting[count].size;
    count++;
  }
  return waiting.slice(0, count);
}

/**
 * Asks the collector which device this is; its cookie knows better than a fresh page. Tabs that are
 * opened at once ask in turn, so that the second one has the cookie of the first.
 * @param {string} shop @returns {Promise<void>}
 */
export function askForDevice(shop) {
  const ask = () =>
    request("/v1/device?shop=" + encodeURIComponent(shop) + "&did=" + did(), {}, DEVICE_MS).then((response) =>
      response.json(),
    );
  /** @type {any} */
  const locks = navigator.locks;
  let asked = false;
  const inTurn = () => ((asked = true), ask());
  return new Promise((resolve) => resolve(locks ? locks.request("habitue.device", inTurn) : ask()))
    // Where the page has no storage of its own the lock is refused.
    .catch((error) => {
      if (asked || !locks) throw error;
      return ask();
    })
    .then(learn, () => {})
    .then(settleDevice);
}

/** @param {string} path @param {any} how @param {number} ms @returns {Promise<Response>} */
export function request(path, how, ms) {
  const stop = page.AbortController && new AbortController();
  const clock = setTimeout(() => stop && stop.abort(), ms);
  how.credentials = "include";
  if (stop) how.signal = stop.signal;
  return new Promise((resolve) => resolve(fetch(api() + path, how))).then(
    (/** @type {any} */ response) => {
      clearTimeout(clock);
      return response;
    },
    (error) => {
      clearTimeout(clock);
      throw error;
    },
  );
}

/** @param {Entry[]} batch */
function bodyOf(batch) {
  const consent = consentState() === "granted" ? "granted" : "unknown";
  const rest = { did: did(), consent, sent: Date.now() };
  const texts = batch.map((each) => each.text).join(",");
  return batch[0].context.slice(0, -1) + "," + stringify(rest).slice(1, -1) + ',"messages":[' + texts + "]}";
}

/** @param {Entry[]} batch @param {boolean} inTurn whether the next batch waits for this one */
function send(batch, inTurn) {
  const body = bodyOf(batch);
  batch.forEach((each) => (each.flies = true));
  const how = { method: "POST", body, keepalive: bytesOf(body) < KEEPALIVE_BYTES };
  request("/v1/collect", how, ANSWER_MS)
    .then((response) =>
      response.ok
        ? response.json().then((answer) => accepted(batch, answer))
        : refused(batch, response),
    )
    .catch(() => postpone(batch, 0))
    .then(() => {
      if (inTurn) isSending = false;
      schedule();
    });
}

/** @param {Entry[]} batch @param {any} answer */
function accepted(batch, answer) {
  // A login page of the network's own is an answer too, but not the collector's.
  if (answer.status !== "success") return postpone(batch, 0);
  failures = notBefore = 0;
  learn(answer);
  remove(batch);
  batch.forEach((each) => {
    const warnings = (answer.warnings || []).filter((/** @type {any} */ one) => one.id === each.id);
    later(each.done, [{ status: "success", warnings }]);
  });
}

/** @param {Entry[]} batch @param {Response} response */
function refused(batch, response) {
  const status = response.status;
  if (status >= 500 || status === 408 || status === 425 || status === 429 || status < 400) {
    // What the collector chokes on must not keep back what others have to say.
    if (status === 500 && failures > 3) standBack(batch);
    return postpone(batch, retryAfter(response.headers.get("retry-after")));
  }
  if (batch.length > 1 && (status === 400 || status === 413 || status === 422)) {
    alone = batch.length;
    batch.forEach((each) => (each.flies = false));
    return undefined;
  }
  remove(batch);
  return response
    .json()
    .catch(() => ({}))
    .then((answer) => {
      const why = Object.assign({ status: "error", message: "refused with status " + status }, answer);
      complain(why.message);
      batch.forEach((each) => later(each.failed, [why]));
    });
}

/** Puts a batch behind all others, to be tried again message by message. @param {Entry[]} batch */
function standBack(batch) {
  const back = new Set(batch);
  queue = queue.filter((each) => !back.has(each)).concat(batch);
  alone = queue.length;
}

/** Milliseconds that the collector asks to be left alone. @param {string|null} header */
function retryAfter(header) {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? +header * 1000 : Date.parse(header) - Date.now();
  return Math.min(Math.max(ms || 0, 0), RETRY_AFTER_MAX_MS);
}

/** Full jitter: somewhere between now and a limit that doubles. @param {Entry[]} batch @param {number} least */
function postpone(batch, least) {
  const limit = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * Math.pow(2, failures++));
  notBefore = Date.now() + least + Math.random() * limit;
  batch.forEach((each) => (each.flies = false));
  settleWaiters();
}

/** @param {Entry[]} batch */
function remove(batch) {
  const gone = new Set(batch);
  queue = queue.filter((each) => !gone.has(each));
  if (alone > 0) alone -= batch.length;
  persistSoon();
}

function settleWaiters() {
  const told = waiters;
  waiters = [];
  told.forEach((fn) => quietly(fn));
}

/** Calls `fn` once all that was said so far has been told, or telling has failed. @param {() => void} fn */
export function whenSent(fn) {
  waiters.push(fn);
  if (maySend()) schedule();
  else settleWaiters();
}

/** The page goes, perhaps: everything leaves now, and what is not confirmed stays in the outbox. */
function leave() {
  if (!maySend()) return;
  persist();
  clearTimeout(timer);
  timer = 0;
  for (;;) {
    const batch = nextBatch(LAST_BATCH_MESSAGES);
    if (!batch.length) return;
    if ("keepalive" in Request.prototype) send(batch, false);
    else {
      const body = bodyOf(batch);
      batch.forEach((each) => (each.flies = true));
      beaconed = beaconed.concat(batch);
      quietly(() => navigator.sendBeacon(api() + "/v1/collect", body));
    }
  }
}

/** The page is looked at again: of what went by beacon nothing is known, so it goes once more. */
function show() {
  beaconed.forEach((each) => (each.flies = false));
  beaconed = [];
  persist();
  schedule();
}

/** The page is back: what another page took over meanwhile is that one's. @param {any} event */
function comeBack(event) {
  if (event.persisted && queue.length && !isMine()) queue = [];
  queue.forEach((each) => (each.flies = false));
  persist();
  hurry();
}

/** The network may be there again: no reason to wait any longer. */
function hurry() {
  failures = notBefore = 0;
  clearTimeout(timer);
  timer = 0;
  schedule();
}

/**
 * Changes the consent. A refusal empties the queue; a grant lets it go, with its original times.
 * @param {string} state @param {boolean} lasting
 */
export function decide(state, lasting) {
  if (state === "denied") {
    const dropped = queue;
    queue = [];
    dropped.forEach((each) => later(each.done, [{ status: "success", stored: 0 }]));
  }
  setConsent(state, lasting);
  if (maySend()) resume();
  else settleWaiters();
}

/** Begins to send, also what earlier pages left behind. */
function resume() {
  adopt(takeOver);
  persist();
  schedule();
}

/** Follows the page's life. */
export function follow() {
  doc.addEventListener("visibilitychange", () => (doc.hidden ? leave() : show()));
  page.addEventListener("pagehide", leave);
  page.addEventListener("pageshow", (/** @type {any} */ event) => event.persisted && comeBack(event));
  page.addEventListener("online", hurry);
  setInterval(() => {
    if (!maySend() || doc.hidden) return;
    if (queue.length) persist();
    adopt(takeOver);
  }, BEAT_MS);
  if (maySend()) resume();
}
