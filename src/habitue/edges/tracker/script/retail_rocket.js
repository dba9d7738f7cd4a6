/**
 * The dialect of Retail Rocket: `rrApi`, the queue `rrApiOnReady`, `retailrocket.api`.
 *
 * The page's own `rrApi` object is given our methods, so that references taken earlier work. The
 * loader may run again and put its stub in our place; then the methods are attached anew before
 * anything of the page can notice: on every push, and ahead of the page's own event handlers.
 */
import { doc, fields, given, options, page, quietly } from "./environment.js";
import { post } from "./sending.js";
import { did } from "./visitor.js";

const NAMES = { customerid: "external_id", email: "email", phone: "phone", defaultstockid: "location", customdata: "custom", softlinks: "links" };
const GENDERS = { male: "m", female: "f" };

/** @type {any} Who the page said the visitor is; orders and searches carry it along. */
let identity = {};
/** @type {any} Our methods, made once. */
const methods = {};
let pushed = 0;
/** @type {(() => void)[]|null} What callbacks asked to be run after the whole cycle. */
let afterCycle = null;

const partnerId = () => page.rrPartnerId;

/** A yes or no as templates print it. @param {any} value @param {any} otherwise */
function flag(value, otherwise) {
  if (!given(value)) return otherwise;
  return !/^\s*(false|0|no)\s*$/i.test(value);
}

/** Links from pairs, whatever the case of their keys, or from a dictionary. @param {any} links */
function linksOf(links) {
  if (!Array.isArray(links)) links = Object.keys(fields(links)).map((name) => ({ name, value: links[name] }));
  return links
    .map((/** @type {any} */ each) => {
      const pair = fields(each);
      return { name: pair.name || pair.Name, value: given(pair.value) ? pair.value : pair.Value };
    })
    .filter((/** @type {any} */ each) => given(each.name) && given(each.value))
    .map((/** @type {any} */ each) => ({ name: String(each.name), value: String(each.value) }));
}

/** What a card or profile says, in internal names; nothing that was not given. @param {any} card */
function identityOf(card) {
  /** @type {any} */
  const out = {};
  Object.keys(fields(card)).forEach((key) => {
    const name = /** @type {any} */ (NAMES)[key.toLowerCase()];
    if (!name || !given(card[key])) return;
    if (name === "links") out.links = linksOf(card[key]);
    else out[name] = name === "custom" ? card[key] : String(card[key]).trim();
  });
  return out;
}

/** @param {any} out @param {any} card @param {any} done */
function identify(out, card, done) {
  // Without any name of the visitor there is nobody to tell about: a template of a guest's page.
  if (!given(out.external_id) && !out.email && !out.phone && !out.links) return done();
  const agreed = fields(card);
  out.consent_email = flag(agreed.isAgreedToReceiveMarketingMail, true);
  ["signature", "validTill"].forEach((name) => {
    if (given(agreed[name])) out[name === "validTill" ? "valid_till" : name] = String(agreed[name]);
  });
  identity = { email: out.email || identity.email, external_id: out.external_id || identity.external_id };
  post(partnerId(), "rr", "identify", "set", out, done);
}

/** @param {any} card @param {any} done */
function setProfile(card, done) {
  const out = identityOf(card);
  delete out.external_id;
  identify(out, card, done);
}

/** @param {any} email @param {any} extra @param {any} done */
function setEmail(email, extra, done) {
  if (!given(email)) return done();
  /** @type {any} */
  const out = { email: String(email).trim(), custom: {} };
  Object.keys(fields(extra)).forEach((key) => {
    const value = extra[key];
    const date = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(value);
    const name = key.toLowerCase();
    if (!given(value) || name === "isagreedtoreceivemarketingmail") return;
    if (name === "birthday" && date) out.birthday = date[3] + "-" + date[2] + "-" + date[1];
    else if (name === "gender") out.gender = /** @type {any} */ (GENDERS)[String(value).toLowerCase()] || String(value);
    else if (name === "name") out.first_name = String(value);
    else if (name === "age" && value >= 0) out.age = +value;
    else out.custom[key] = String(value);
  });
  identify(out, extra, done);
}

/** @param {string} name @param {any} data @param {any} done @param {any} [where] a region, or what names it */
function event(name, data, done, where) {
  const region = fields(where).stockId || (typeof where === "string" && where);
  if (region) data.items.forEach((/** @type {any} */ item) => (item.stock = String(region)));
  post(partnerId(), "rr", "event", name, data, done);
}

/** @param {any} ids */
const itemsOf = (ids) => [].concat(ids).filter(given).map((id) => ({ id: String(id) }));

/** What is known of the visitor, beside the rest. @param {any} data */
function carrying(data) {
  return Object.assign({ email: page.rrUserEmail || undefined, external_id: page.rrPartnerUserId || undefined }, identity, data);
}

/** Lines of one product become one. @param {any} lines */
function linesOf(lines) {
  /** @type {any} */
  const byId = {};
  [].concat(lines || []).map(fields).filter((each) => given(each.id)).forEach((each) => {
    const line = (byId["#" + each.id] = byId["#" + each.id] || { id: String(each.id), quantity: 0, price: +each.price || 0 });
    line.quantity += +each.qnt || 1;
  });
  return Object.keys(byId).map((key) => byId[key]);
}

/** @param {any} how */
function recommended(how) {
  const by = fields(how);
  return { recommended_by: by.suggester || "recommendation", recommended_code: by.methodName || by.suggestMethod || (typeof how === "string" ? how : undefined) };
}

/** @param {string} name @param {any} email @param {any} items @param {any} done */
function subscribe(name, email, items, done) {
  post(partnerId(), "rr", "subscription", name, { email: String(email).trim(), items, subscribe: true }, done);
}

/** @type {any} What each method does; the last argument is called when the collector has answered. */
const sends = {
  setCustomer: (/** @type {any} */ card, /** @type {any} */ done) => identify(identityOf(card), card, done),
  setProfile,
  setEmail,
  view: (/** @type {any} */ id, /** @type {any} */ where, /** @type {any} */ done) => event("view", { items: itemsOf(id) }, done, where),
  groupView: (/** @type {any} */ ids, /** @type {any} */ where, /** @type {any} */ done) => event("view", { items: itemsOf(ids), group: true }, done, where),
  addToBasket: (/** @type {any} */ id, /** @type {any} */ where, /** @type {any} */ done) => event("cart", { items: itemsOf(id) }, done, where),
  removeFromBasket: (/** @type {any} */ id, /** @type {any} */ done) => event("remove_from_cart", { items: itemsOf(id) }, done),
  categoryView: (/** @type {any} */ which, /** @type {any} */ done) =>
    event("category", /^\d+$/.test(which) ? { category_id: String(which) } : { category: String(which) }, done),
  search: (/** @type {any} */ phrase, /** @type {any} */ done) => event("search", carrying({ search_query: String(phrase) }), done),
  order: (/** @type {any} */ order, /** @type {any} */ done) => {
    const items = linesOf(fields(order).items);
    event("purchase", carrying({ order_id: given(fields(order).transaction) ? String(order.transaction) : undefined, items }), done, order);
  },
  recomMouseDown: (/** @type {any} */ id, /** @type {any} */ how, /** @type {any} */ done) =>
    event("recommendation_click", Object.assign({ items: itemsOf(id) }, recommended(how)), done),
  recomAddToCart: (/** @type {any} */ id, /** @type {any} */ how, /** @type {any} */ done) =>
    event("cart", Object.assign({ items: itemsOf(id) }, recommended(how)), done, how),
  recomTrack: (/** @type {any} */ scenario, /** @type {any} */ to, /** @type {any} */ ids, /** @type {any} */ extra, /** @type {any} */ done) =>
    event("recommendation_view", { items: itemsOf(ids), custom: Object.assign({ scenario, to }, extra) }, done),
  mailRequest: (/** @type {any} */ email, _session, /** @type {any} */ kind, /** @type {any} */ ids, /** @type {any} */ agreed, /** @type {any} */ extra, /** @type {any} */ done) => {
    setEmail(email, Object.assign({}, extra, { isAgreedToReceiveMarketingMail: agreed }), () => {});
    event("mail_request", { items: itemsOf(ids), custom: { type: kind } }, done);
  },
  mailRequestFormView: (/** @type {any} */ form, /** @type {any} */ done) =>
    event("subscription_form_view", { custom: { type: fields(form).requestType } }, done),
  subscribeOnItemBackInStock: (/** @type {any} */ email, /** @type {any} */ id, /** @type {any} */ done) => subscribe("product_available", email, itemsOf(id), done),
  subscribeOnPriceDrop: (/** @type {any} */ email, /** @type {any} */ lines, /** @type {any} */ done) =>
    subscribe("product_price_decrease", email, [].concat(lines).map((each) => ({ id: String(fields(each).id), price: +fields(each).price || undefined })), done),
  welcomeSequence: (/** @type {any} */ email, /** @type {any} */ done) => subscribe("welcome", email, [], done),
  pageView: (/** @type {any} */ done) => event("page_view", {}, done),
  setKeywords: 0,
  _empty: 0,
  initialized: 0,
};

/** A method that can be listened to, and its twin that is heard when the collector has answered. @param {string} name */
function listenable(name) {
  const work = sends[name];
  const own = broadcaster();
  const completed = broadcaster();
  const arity = work ? work.length - 1 : 0;
  /** @type {any} */
  const method = function () {
    const passed = Array.prototype.slice.call(arguments);
    const args = Array.from({ length: arity }, (_, index) => passed[index]);
    const tell = () => completed.tell(passed);
    // Only a page that listens is worth hurrying for.
    tell.isWanted = completed.isHeard;
    if (work) quietly(work, args.concat(tell));
    own.tell(passed);
  };
  method.subscribe = own.subscribe;
  methods[name] = method;
  methods[name + "Completed"] = Object.assign(() => {}, { subscribe: completed.subscribe });
}

function broadcaster() {
  /** @type {any[]} */
  const heard = [];
  return {
    subscribe: (/** @type {any} */ fn) => void heard.push(fn),
    isHeard: () => heard.length > 0,
    tell: (/** @type {any[]} */ args) => heard.slice().forEach((fn) => quietly(fn, args)),
  };
}

/** Runs a callback of the queue. @param {any} fn */
function run(fn) {
  if (typeof fn !== "function") return;
  pushed++;
  const event = { subscribe: (/** @type {any} */ late) => (afterCycle ? afterCycle.push(late) : quietly(late)) };
  quietly(fn, [{ sessionId: did() }], event);
}

/** @type {any} What the queue becomes. */
const ready = {
  push() {
    quietly(attach);
    Array.prototype.forEach.call(arguments, run);
    return pushed;
  },
};

/** Drains the page's queue, first in first out, also what callbacks put into it meanwhile. */
function drain() {
  const waiting = page.rrApiOnReady;
  if (waiting === ready) return;
  if (!Array.isArray(waiting)) {
    page.rrApiOnReady = ready;
    return;
  }
  const cycle = (afterCycle = afterCycle || []);
  while (waiting.length) run(waiting.shift());
  // Somebody may keep the array itself.
  waiting.push = ready.push;
  page.rrApiOnReady = ready;
  afterCycle = null;
  cycle.forEach((late) => quietly(late));
}

/** Puts our methods where the page looks for them, wherever they are missing. */
function attach() {
  const api = (page.rrApi = page.rcApi = fields(page.rrApi));
  if (api.setCustomer !== methods.setCustomer || api.view !== methods.view) Object.assign(api, methods);
  drain();
}

/** Opens the dialect. */
export function openRetailRocket() {
  Object.keys(sends).forEach(listenable);
  const space = (page.retailrocket = fields(page.retailrocket));
  space.api = Object.assign(fields(space.api), {
    getPartnerId: partnerId,
    getSessionId: did,
    getPartnerVisitorId: did,
    pushTrackingCall: (/** @type {any} */ fn) => void ready.push(fn),
  });
  page.rrLibrary = page.rrLibrary || {};
  attach();
  quietly(page.rrAsyncInit || page.rcAsyncInit);
  ["mousedown", "touchstart", "click", "submit", "change", "keydown"].forEach((kind) =>
    page.addEventListener(kind, () => quietly(attach), { capture: true, passive: true }),
  );
  doc.addEventListener("DOMContentLoaded", () => quietly(attach));
  if (partnerId() && options.pageView !== false) methods.pageView();
}
