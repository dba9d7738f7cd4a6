/**
 * What a page may read: its own visitor's profile, and a few answers at PersonaClick's own addresses.
 * A page reads what it wrote: reading waits until everything said before has been told.
 */
import { fields, given, stringify } from "./environment.js";
import { askForDevice, later, request, stream, whenSent } from "./sending.js";
import { did, isKnown, isRefused, maySend, sid } from "./visitor.js";

const READ_MS = 15000;
/** What a browser is not told about anybody, whatever a server answers. */
const CONTACTS = "email phone first_name last_name middle_name telegram_id fb_id vk_id loyalty_id";

/** Calls `fn` when the collector has named the device, or could not be asked. @param {string} shop @param {() => void} fn */
export function whenKnown(shop, fn) {
  if (isKnown || !maySend()) later(fn, []);
  else askForDevice(shop).then(fn);
}

/**
 * Reads, or asks for, something at one of PersonaClick's addresses.
 * @param {string} shop @param {string} path @param {any} params @param {any} done @param {any} failed
 * @param {boolean} [asJson] whether the parameters go as a body
 */
export function ask(shop, path, params, done, failed, asJson) {
  if (!maySend()) return later(failed, [{ status: "error", message: "nothing is asked without consent" }]);
  whenSent(() => {
    const all = Object.assign({ shop_id: shop, did: did(), sid: sid(), stream: stream.name }, params);
    /** @type {any} */
    const how = asJson ? { method: "POST", body: stringify(all) } : {};
    const query = asJson ? "" : "?" + queryOf(all);
    request(path + query, how, READ_MS)
      .then((response) => response.json().then((answer) => [response.ok, answer]))
      .catch((error) => [false, { status: "error", message: String(error) }])
      .then(([isGood, answer]) => later(isGood ? done : failed, [answer]));
  });
}

/** @param {any} params */
function queryOf(params) {
  return Object.keys(params)
    .filter((name) => given(params[name]))
    .map((name) => encodeURIComponent(name) + "=" + encodeURIComponent(params[name]))
    .join("&");
}

/** A profile in the shape that published snippets read without looking. @param {any} answer */
function safeProfile(answer) {
  const profile = Object.assign({ gender: null }, fields(answer));
  profile.fashion = Object.assign({}, fields(profile.fashion));
  profile.fashion.sizes = Object.assign({ shoe: null }, fields(profile.fashion.sizes));
  CONTACTS.split(" ").forEach((name) => delete profile[name]);
  return profile;
}

/** @param {string} shop @param {any} done @param {any} failed */
export function readProfile(shop, done, failed) {
  // Of a visitor who is not followed nothing is known, which is an answer.
  if (isRefused()) return later(done, [safeProfile({})]);
  ask(shop, "/profile", {}, (/** @type {any} */ answer) => done && done(safeProfile(answer)), failed);
}
