/**
 * The dialect of PersonaClick and REES46: one function, known as `personaclick` and as `r46`.
 *
 * Commands wait until `init` has named the shop, wherever in the queue it stands; none is lost.
 */
import { complain, fields, given, options, page, quietly, setApi } from "./environment.js";
import { ask, readProfile, whenKnown } from "./reading.js";
import { decide, later, post, stream } from "./sending.js";
import { did, resetSession, setDevice, sid } from "./visitor.js";

const PROFILE =
  "email phone loyalty_id telegram_id first_name last_name middle_name gender birthday age location " +
  "bought_something loyalty_card_location loyalty_status loyalty_bonuses loyalty_bonuses_to_next_level " +
  "fb_id vk_id google_advertising_id apple_advertising_id yandex_id kids auto custom signature valid_till";
const KNOWN = PROFILE.split(" ");

let shop = "";
/** @type {any[]} Commands before init. */
let early = [];

/**
 * Whom to tell of success, and of failure: they follow the data, or stand where there is none.
 * @param {any[]} args @returns {[any, any]}
 */
function listeners(args) {
  const from = typeof args[0] === "function" ? 0 : 1;
  const [done, failed] = args.slice(from, from + 2).map((each) => (typeof each === "function" ? each : undefined));
  return [done, failed];
}

/**
 * Sends a message; of `args` it is told who listens.
 * @param {string} type @param {string} name @param {any} data @param {any[]} args
 */
function message(type, name, data, args) {
  const [done, failed] = listeners(args);
  post(shop, "r46", type, name, data, done, failed);
}

/** @param {any} params */
function propertiesOf(params) {
  /** @type {any} */
  const out = {};
  /** @type {any} */
  const custom = {};
  Object.keys(fields(params)).forEach((key) => {
    const value = params[key];
    if (!given(value) || typeof value === "function") return;
    if (key === "id" || key === "external_id") out.external_id = String(value);
    else if (key === "custom") Object.assign(custom, fields(value));
    else if (KNOWN.indexOf(key) >= 0) out[key] = value;
    else if (key !== "stream") custom[key] = value;
  });
  if (Object.keys(custom).length) out.custom = custom;
  return out;
}

/** An item in internal names. @param {any} value */
function itemOf(value) {
  const item = Object.assign({}, value !== null && typeof value === "object" ? value : { id: value });
  if (!given(item.id) && given(item.uniqid)) item.id = item.uniqid;
  item.id = given(item.id) ? String(item.id) : "";
  if (item.quantity === undefined) item.quantity = item.amount;
  ["amount", "uniqid", "recommended_by", "recommended_code"].forEach((name) => delete item[name]);
  return item;
}

/** @param {any} value @param {string} full the name of the whole list */
function listOf(value, full) {
  /** @type {any} */
  const out = { items: [].concat(value).map(itemOf) };
  if (Array.isArray(value)) out[full] = true;
  const { recommended_by, recommended_code } = fields(value);
  return Object.assign(out, { recommended_by, recommended_code });
}

/** @param {any} order */
function purchaseOf(order) {
  const { order: name, products, items, ...rest } = fields(order);
  const order_id = given(name) ? String(name) : rest.order_id;
  return Object.assign(rest, { order_id, items: [].concat(products || items || []).map(itemOf) });
}

/** @type {any} */
const standard = {
  view: (/** @type {any} */ data) => listOf(data, "group"),
  cart: (/** @type {any} */ data) => listOf(data, "full_cart"),
  wish: (/** @type {any} */ data) => listOf(data, "full_wish"),
  remove_from_cart: (/** @type {any} */ data) => listOf(data, "group"),
  remove_wish: (/** @type {any} */ data) => listOf(data, "group"),
  category: (/** @type {any} */ data) => ({ category_id: String(given(fields(data).id) ? data.id : data) }),
  search: (/** @type {any} */ data) => {
    const { query, results } = fields(data);
    return { search_query: String(given(query) ? query : data), results };
  },
  purchase: purchaseOf,
};

/** @param {any} data */
const ownEvent = (data) => (data == null || fields(data) === data ? fields(data) : { value: data });

/** @param {any} event @param {any[]} rest */
function track(event, ...rest) {
  if (!given(event)) return;
  const data = typeof rest[0] === "function" ? undefined : rest[0];
  message("event", String(event), (Object.prototype.hasOwnProperty.call(standard, event) ? standard[event] : ownEvent)(data), rest);
}

/** @param {any} action @param {any[]} rest */
function profile(action, ...rest) {
  const [done, failed] = listeners(rest);
  if (action === "get") return readProfile(shop, done, failed);
  if (action !== "set") return unknown(rest);
  const data = propertiesOf(rest[0]);
  if (!Object.keys(data).length) return later(done, [{ status: "success" }]);
  message("identify", "set", data, rest);
}

/** @param {any} action @param {any[]} rest */
function subscription(action, ...rest) {
  if (action === "check") return ask(shop, "/subscriptions/check", {}, ...listeners(rest));
  if (action === "manage" || typeof action !== "string") {
    return message("subscription", "manage", fields(action === "manage" ? rest[0] : action), rest);
  }
  // An older form: what, the address, the flags.
  const flags = fields(rest.filter((each) => each !== null && typeof each === "object")[0]);
  const email = typeof rest[0] === "string" ? { email: rest[0] } : {};
  message("subscription", "manage", Object.assign(email, flags), rest.slice(rest[0] === flags ? 0 : 1));
}

/** @param {any} action @param {any[]} rest */
function segment(action, ...rest) {
  if (action === "get") return ask(shop, "/segments/get", {}, ...listeners(rest));
  message("segment", String(action), fields(rest[0]), rest);
}

/** @param {any} action @param {any[]} rest */
function loyalty(action, ...rest) {
  const first = rest[0];
  const params = first !== null && typeof first === "object" ? Object.assign({}, first) : { identifier: first };
  ["first", "last"].forEach((name) => {
    if (params[name + "Name"] !== undefined) params[name + "_name"] = params[name + "Name"];
    delete params[name + "Name"];
  });
  if (action === "join") ask(shop, "/loyalty/members/join", params, ...listeners(rest), true);
  else if (action === "status") ask(shop, "/loyalty/members/status", params, ...listeners(rest));
  else unknown(rest);
}

/** @param {boolean} wanted */
const trigger = (wanted) => (/** @type {any} */ kind, /** @type {any} */ params, /** @type {any[]} */ ...rest) => {
  const { item, item_ids, ...data } = fields(params);
  data.items = [].concat(item_ids || item || []).map(itemOf);
  data.subscribe = wanted;
  message("subscription", String(kind), data, rest);
};

/** What is not served here fails, so that the page can go on. @param {any[]} rest */
function unknown(rest) {
  const last = rest.map((each) => typeof each).lastIndexOf("function");
  const isFailure = last > 0 && (rest[last - 1] === null || typeof rest[last - 1] === "function");
  if (isFailure) later(rest[last], [{ status: "error", message: "not served by this tracker" }]);
}

/** @param {any} id @param {any[]} rest */
function init(id, ...rest) {
  const [done, failed] = listeners(rest);
  if (!given(id)) {
    complain("init without the shop's id");
    return later(failed, [{ status: "error", message: "init without the shop's id" }]);
  }
  const settings = fields(rest.filter((each) => each !== null && typeof each === "object")[0]);
  shop = String(id);
  if (typeof rest[0] === "string" && rest[0]) stream.name = rest[0];
  if (given(settings.api_host)) setApi(settings.api_host);
  if (given(settings.did)) setDevice(String(settings.did));
  if (settings.consent === false) decide("denied", false);
  const waiting = early;
  early = [];
  waiting.forEach((args) => perform(args));
  if (done) whenKnown(shop, () => quietly(done, [{ status: "success", did: did(), sid: sid(), seance: sid() }]));
}

/** @type {any} */
const commands = {
  init,
  profile,
  track,
  subscription,
  email_subscription: subscription,
  segment,
  loyalty,
  subscribe_trigger: trigger(true),
  unsubscribe_trigger: trigger(false),
  did: (/** @type {any} */ fn) => whenKnown(shop, () => quietly(fn, [did()])),
  sid: (/** @type {any} */ fn) => later(fn, [sid()]),
  abSegment: (/** @type {any} */ fn) => later(fn, [null]),
  reset_session: () => resetSession(),
  utm: (/** @type {any} */ marks, /** @type {any[]} */ ...rest) => message("event", "utm", { custom: fields(marks) }, rest),
  debug: () => (options.debug = true),
  cart: (/** @type {any} */ action, /** @type {any[]} */ ...rest) => ask(shop, "/products/cart", {}, ...listeners(rest)),
  get_promo_code: (/** @type {any} */ params, /** @type {any[]} */ ...rest) =>
    ask(shop, "/promo_codes/get", fields(params), ...listeners(rest)),
};

/** Performs a command now, or after init. @param {ArrayLike<any>} passed */
function perform(passed) {
  const args = Array.from(passed);
  const name = String(args.shift());
  if (name !== "init" && !shop) return void early.push(passed);
  const known = Object.prototype.hasOwnProperty.call(commands, name);
  if (known) quietly(commands[name], args);
  else unknown(args);
}

/** @type {any} What both names become. */
const command = function () {
  quietly(perform, [arguments]);
};
// Stubs that the page kept put their arguments here.
command.q = { push: (/** @type {any} */ passed) => quietly(perform, [passed]) };

/** Takes the place of the page's queue functions and works off what is in them. */
export function openPersonaClick() {
  /** @type {any[]} */
  let queued = [];
  ["personaclick", "r46"].forEach((name) => {
    const stub = page[name];
    if (stub === command) return;
    if (stub && stub.q && stub.q.length) queued = queued.concat(Array.from(stub.q));
    page[name] = command;
  });
  const first = queued.filter((args) => args[0] === "init");
  first.concat(queued.filter((args) => args[0] !== "init")).forEach((args) => quietly(perform, [args]));
}
