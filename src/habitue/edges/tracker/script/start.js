/**
 * The beginning: once per page, however often the file is loaded, and not before a page that was
 * rendered in advance is looked at. `window.habitue` is what the page may use of ours.
 */
import { doc, isBot, options, page, quietly, source } from "./environment.js";
import { openPersonaClick } from "./personaclick.js";
import { openRetailRocket } from "./retail_rocket.js";
import { decide, follow, whenSent } from "./sending.js";
import { consentState, did } from "./visitor.js";

/** @type {any} */
const opened = {};

/** The dialects that a file of this name speaks; a file of another name speaks both. @param {string} address */
function open(address) {
  const name = (/\/(tracking|api|v3)[^/]*\.js([?#]|$)/.exec(address) || [])[1];
  if (name !== "v3" && !opened.rr) {
    opened.rr = true;
    quietly(openRetailRocket);
  }
  if (name !== "tracking" && name !== "api") quietly(openPersonaClick);
}

function start() {
  const waiting = page.habitue;
  page.habitue = {
    version: 1,
    open,
    consent(/** @type {any} */ state) {
      if (state === true || state === "granted") decide("granted", true);
      else if (state === false || state === "denied") decide("denied", true);
      else if (state === "unknown") decide("unknown", false);
      return isBot ? "denied" : consentState();
    },
    did,
    flush: (/** @type {any} */ fn) => whenSent(() => quietly(fn)),
  };
  follow();
  open(source);
  const early = waiting && waiting.q;
  if (Array.isArray(early)) early.forEach((fn) => quietly(fn, [page.habitue]));
}

if (page.habitue && page.habitue.open) page.habitue.open(source);
else if (/** @type {any} */ (doc).prerendering) doc.addEventListener("prerenderingchange", start, { once: true });
else start();
