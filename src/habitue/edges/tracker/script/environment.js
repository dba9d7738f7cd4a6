/**
 * What the page and the browser are: the page's globals, options, storage, random ids, and where this
 * script came from. Nothing here throws, whatever the page has done to its globals.
 *
 * Words: *ours* is what this script keeps in localStorage, under the prefix "habitue.".
 */

/** @type {any} The page's globals. */
export const page = window;

export const doc = document;

/**
 * What the page asked for in `window.habitueOptions` before this script ran.
 * @type {{consent?: string|boolean, bots?: boolean, api?: string, pageView?: boolean, debug?: boolean}}
 */
export const options = Object.assign({}, page.habitueOptions);

/** @type {any} The element that loaded this script, where it can be told. */
const element = doc.currentScript || doc.getElementById("rrApi-jssdk");

/** The address of this file, or "". */
export const source = (element && element.src) || "";

const PREFIX = "habitue.";

/** A robot, a recorded visit played back, or a page under test. */
const BOTS = /bot\b|bot\/|crawl|spider|slurp|headless|lighthouse|phantomjs|bingpreview|mediapartners/i;

/** Whether nobody looks at this page. Shops that test with a driven browser set `bots: true`. */
export const isBot =
  !options.bots &&
  (navigator.webdriver === true ||
    BOTS.test(navigator.userAgent) ||
    /(^|\.)(mtproxy\.yandex\.net|webvisor\.com)$/.test(location.hostname));

/**
 * Calls a function of the page; what it throws is shown in the console and goes no further.
 * @param {any} fn
 * @param {any[]} [args]
 * @param {any} [self]
 */
export function quietly(fn, args, self) {
  if (typeof fn !== "function") return undefined;
  try {
    return fn.apply(self, args || []);
  } catch (error) {
    complain(error);
  }
}

/** Shows something in the console. @param {any} what */
export function complain(what) {
  if (page.console) console.error("habitue:", what);
}

/** The absolute origin of an address that may lack its scheme, or "". @param {any} address */
function originOf(address) {
  return quietly(() => {
    const text = String(address);
    return new URL(/^(https?:)?\/\//.test(text) ? text : "https://" + text, location.href).origin;
  });
}

let origin = originOf(options.api || source || location.href);

/** Where messages go: the host that this script came from, unless the page named another. */
export function api() {
  return origin;
}

/** @param {any} address */
export function setApi(address) {
  origin = (address && originOf(address)) || origin;
}

/** JSON text. Old Prototype libraries give arrays a toJSON that would turn them into strings. @param {any} value */
export function stringify(value) {
  /** @type {any} */
  const arrays = Array.prototype;
  const foreign = arrays.toJSON;
  if (foreign) delete arrays.toJSON;
  try {
    return JSON.stringify(value);
  } finally {
    if (foreign) arrays.toJSON = foreign;
  }
}

/** @param {string} name @returns {string|null} */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch (error) {
    return null;
  }
}

/** Keeps a text; false where there is no room or no storage. @param {string} name @param {string} value */
export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
    return true;
  } catch (error) {
    return false;
  }
}

/** @param {string} name */
export function drop(name) {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch (error) {
    // No storage: nothing to drop.
  }
}

/** The names of ours that begin so. @param {string} start @returns {string[]} */
export function kept(start) {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.indexOf(PREFIX + start) === 0)
      .map((key) => key.slice(PREFIX.length));
  } catch (error) {
    return [];
  }
}

/** Random hexadecimal digits, two for each byte. @param {number} bytes */
export function random(bytes) {
  const drawn = new Uint8Array(bytes);
  if (page.crypto) crypto.getRandomValues(drawn);
  else drawn.forEach((_, index) => (drawn[index] = Math.random() * 256));
  return Array.from(drawn, (each) => (each + 256).toString(16).slice(1)).join("");
}

/** Whether a value was given: templates print nothing, null and undefined for what they lack. @param {any} value */
export function given(value) {
  if (typeof value === "string") return !/^\s*(null|undefined)?\s*$/.test(value);
  return value != null && value === value;
}

/** A plain object to read fields from, whatever the page passed. @param {any} value @returns {any} */
export function fields(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}
