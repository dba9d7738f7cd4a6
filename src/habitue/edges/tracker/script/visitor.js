/**
 * Who is visiting: the device, the session, and what they consented to.
 *
 * The *device* id is proposed here on the first visit and given by the collector, whose cookie
 * outlives what scripts may keep; its answer is always right. A *session* ends after two hours
 * without activity. *Consent* is "implied" while nobody asks for it, "unknown" while a banner waits
 * for an answer (nothing leaves memory), then "granted" or "denied". Of a refusal only the refusal
 * is kept: forgetting it would be worse.
 */
import { drop, isBot, keep, kept, options, random, recall } from "./environment.js";

const SESSION_MS = 7200000;

let device = recall("did");
let session = "";
let sessionLast = 0;

/** Whether the collector has named the device. */
export let isKnown = !!device;

/** @returns {string} */
function firstConsent() {
  const asked = options.consent;
  if (asked === false || asked === "denied") return "denied";
  if (asked === true || asked === "granted") return "granted";
  return recall("consent") || (asked === "unknown" ? "unknown" : "implied");
}

let consent = firstConsent();

/** @returns {string} */
export function consentState() {
  return consent;
}

/** Whether messages may leave this page now. */
export function maySend() {
  return !isBot && (consent === "granted" || consent === "implied");
}

/** Whether messages are pointless: a robot, or refused. */
export function isRefused() {
  return isBot || consent === "denied";
}

/**
 * Sets the consent; what is decided for good is kept for the next pages.
 * @param {string} state @param {boolean} lasting
 */
export function setConsent(state, lasting) {
  consent = state;
  if (state === "denied") forget();
  if (lasting) keep("consent", state);
}

function forget() {
  kept("").forEach((name) => name === "consent" || drop(name));
  device = null;
  session = "";
  isKnown = false;
}

/** The device's id; 24 hexadecimal digits if it is proposed here. @returns {string} */
export function did() {
  const saved = recall("did");
  // Another tab may have been first.
  if (!device || !isKnown) device = saved || device || random(12);
  if (!saved && maySend()) keep("did", device);
  return device;
}

/** Takes over what the collector said. @param {any} answer */
export function learn(answer) {
  if (answer.did && maySend()) {
    device = String(answer.did);
    isKnown = true;
    keep("did", device);
  }
}

/** The session's id, kept alive by being asked for. @returns {string} */
export function sid() {
  const now = Date.now();
  if (!session || now - sessionLast > 1000) {
    const saved = (recall("session") || "").split(".");
    if (saved[1]) {
      session = saved[0];
      sessionLast = +saved[1];
    }
    if (!session || !(now - sessionLast < SESSION_MS)) session = random(8);
    sessionLast = now;
    if (maySend()) keep("session", session + "." + now);
  }
  return session;
}

/** Ends the session. @param {string} [name] the id of the next one */
export function resetSession(name) {
  session = name || random(8);
  sessionLast = Date.now();
  if (maySend()) keep("session", session + "." + sessionLast);
}

/** Takes an id that the page gives the device. @param {string} name */
export function setDevice(name) {
  device = name;
  isKnown = true;
}

/** Asking the collector for the device was tried; the proposal stands until it answers. */
export function settleDevice() {
  isKnown = true;
}
