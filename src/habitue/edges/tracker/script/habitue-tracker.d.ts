/**
 * What the tracker puts into a page, and what a page may say to it. Reference this file from a
 * project's types; nothing of it runs.
 */

export {};

/** A text, or a number that a template printed without quotes. */
type Id = string | number;
/** A consent; "implied" while no page has asked for one. */
type ConsentState = "unknown" | "implied" | "granted" | "denied";
type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/** Set as `window.habitueOptions` before the script is loaded. */
interface HabitueOptions {
  /**
   * "unknown": a banner is going to ask; until it has, nothing leaves the page's memory and nothing
   * is stored in the browser. A choice that was kept from an earlier page is used at once.
   * "denied" or false: this page sends and stores nothing. "granted" or true: the visitor agreed.
   * Left out: messages are sent, and say that nobody was asked.
   */
  consent?: "unknown" | "granted" | "denied" | boolean;
  /** true: count driven browsers and robots as well, for a shop's own tests. */
  bots?: boolean;
  /** Another host for messages than the one that the script came from. */
  api?: string;
  /** false: Retail Rocket's automatic `pageView` is not sent. */
  pageView?: boolean;
  /** Shows every message in the console. */
  debug?: boolean;
}

interface Habitue {
  readonly version: 1;
  /** Without argument: the state. With one: sets it, and keeps "granted" and "denied" for later pages. */
  consent(state?: "unknown" | "granted" | "denied" | boolean): ConsentState;
  /** The id of this device. */
  did(): string;
  /** Sends what is waiting; `done` is called when it was accepted, or could not be. */
  flush(done?: () => void): void;
  /** Opens the dialects that the file of this address speaks. */
  open(address: string): void;
}

/** Before the script is there: functions to be called with the API once it is. */
interface HabitueQueue {
  q: ((habitue: Habitue) => void)[];
}

interface Warning {
  id: string;
  field: string;
  code: string;
}

interface Success {
  status: "success";
  warnings?: Warning[];
  /** 0 where nothing was sent, for want of consent or because nobody is looking. */
  stored?: number;
}

interface Failure {
  status: "error";
  message: string;
}

type Done<Answer = Success> = (answer: Answer) => void;
type Failed = (error: Failure) => void;

// Retail Rocket

interface RetailRocketCustomer {
  /** Empty, null and "undefined" mean a visitor who is not signed in. */
  customerId: Id;
  email?: string;
  phone?: Id;
  /** A region of the product feed. */
  defaultStockId?: string;
  customData?: { [name: string]: string };
  softLinks?: ({ name: string; value: Id } | { Name: string; Value: Id })[] | { [name: string]: Id };
  /** Left out: true. false withdraws nothing from a subscriber. */
  isAgreedToReceiveMarketingMail?: boolean | "true" | "false";
  /** Proof by the shop's server. */
  signature?: string;
  validTill?: Id;
}

type RetailRocketProfile = Omit<RetailRocketCustomer, "customerId">;
type Region = { stockId?: string };

interface RetailRocketOrder extends Region {
  transaction: Id;
  items: { id: Id; qnt?: number; price?: number }[];
}

type Recommended = string | { methodName?: string; suggestMethod?: string; suggester?: string };

/** A method of `rrApi`: calling it returns nothing; whoever subscribed hears its arguments. */
interface RetailRocketMethod<Args extends unknown[]> {
  (...args: Args): void;
  subscribe(listener: (...args: Args) => void): void;
}

interface RetailRocketMethods {
  setCustomer: [customer: RetailRocketCustomer];
  setProfile: [profile: RetailRocketProfile];
  setEmail: [email: string, data?: { [name: string]: Json }];
  view: [productId: Id, region?: Region | string];
  groupView: [productIds: Id[], region?: Region | string];
  addToBasket: [productId: Id, region?: Region | string];
  removeFromBasket: [productId: Id];
  categoryView: [idOrPath: Id];
  search: [phrase: string];
  order: [order: RetailRocketOrder];
  recomMouseDown: [productId: Id, recommended?: Recommended];
  recomAddToCart: [productId: Id, recommended?: Recommended];
  recomTrack: [scenario: string, to: string, productIds: Id[], data?: { [name: string]: Json }];
  mailRequest: [
    email: string, session: string, requestType: string, productIds: Id[], agreed?: boolean,
    data?: { [name: string]: Json },
  ];
  mailRequestFormView: [form: { requestType: string }];
  subscribeOnItemBackInStock: [email: string, productId: Id];
  subscribeOnPriceDrop: [email: string, products: { id: Id; price: number } | { id: Id; price: number }[]];
  welcomeSequence: [email: string];
  pageView: [];
}

type RetailRocketApi = {
  [Name in keyof RetailRocketMethods]: RetailRocketMethod<RetailRocketMethods[Name]>;
} & {
  /** Heard when the collector has answered. */
  [Name in keyof RetailRocketMethods as `${Name}Completed`]: Pick<
    RetailRocketMethod<RetailRocketMethods[Name]>,
    "subscribe"
  >;
};

type RetailRocketCallback = (
  this: { subscribe(afterCycle: () => void): void },
  partner: { sessionId: string },
) => void;

// PersonaClick, REES46

interface PersonaClickProfile {
  id?: Id;
  external_id?: Id;
  email?: string;
  phone?: Id;
  loyalty_id?: Id;
  telegram_id?: Id;
  first_name?: string;
  middle_name?: string;
  last_name?: string;
  gender?: "m" | "f" | "";
  /** YYYY-MM-DD */
  birthday?: string;
  /** In years. */
  age?: number;
  /** A location of the product feed. */
  location?: string;
  bought_something?: boolean;
  loyalty_card_location?: string;
  loyalty_status?: string;
  loyalty_bonuses?: number;
  loyalty_bonuses_to_next_level?: number;
  kids?: { gender?: "m" | "f"; birthday?: string }[] | string;
  auto?: { brand?: string; model?: string; vds?: string }[] | string;
  /** Any other property is one of the shop's own. */
  [property: string]: unknown;
}

/** What is read back: never a contact, and always sizes to look into. */
interface PersonaClickReadProfile {
  gender: "m" | "f" | null;
  fashion: { sizes: { shoe: Json; [size: string]: Json } };
  [property: string]: unknown;
}

interface PersonaClickItem {
  id: Id;
  amount?: number;
  quantity?: number;
  price?: number;
  stock?: boolean;
  recommended_by?: string;
  recommended_code?: string;
}

interface PersonaClickPurchase {
  order: Id;
  order_price?: number;
  products: PersonaClickItem[];
  email?: string;
  phone?: Id;
  [property: string]: unknown;
}

interface PersonaClickInit {
  did?: string;
  api_host?: string;
  consent?: boolean;
  [option: string]: unknown;
}

interface PersonaClick {
  (command: "init", shopId: string, stream?: string | null, done?: Done | null, failed?: Failed | null,
    options?: PersonaClickInit, isSpa?: boolean): void;
  (command: "profile", action: "set", profile: PersonaClickProfile, done?: Done, failed?: Failed): void;
  (command: "profile", action: "get", done: Done<PersonaClickReadProfile>, failed?: Failed | boolean): void;
  (command: "profile", action: "get", params: object, done: Done<PersonaClickReadProfile>, failed?: Failed): void;
  (command: "track", event: "view", item: Id | PersonaClickItem, done?: Done, failed?: Failed): void;
  /** An item is added; a list is the whole cart, and an empty one empties it. */
  (command: "track", event: "cart" | "wish", items: Id | PersonaClickItem | PersonaClickItem[], done?: Done,
    failed?: Failed): void;
  (command: "track", event: "remove_from_cart" | "remove_wish", item: Id | PersonaClickItem, done?: Done,
    failed?: Failed): void;
  (command: "track", event: "category", category: Id, done?: Done, failed?: Failed): void;
  (command: "track", event: "search", query: string | { query: string; results?: Id[] }, done?: Done,
    failed?: Failed): void;
  (command: "track", event: "purchase", order: PersonaClickPurchase, done?: Done, failed?: Failed): void;
  (command: "track", event: string, data?: Json | Done, done?: Done, failed?: Failed): void;
  (command: "subscription", action: "manage", flags: { [name: string]: string | boolean }, done?: Done,
    failed?: Failed): void;
  (command: "subscription", action: "check", done: Done<unknown>, failed?: Failed): void;
  (command: "segment", action: "add" | "remove", segment: { segment_id: Id; email?: string; phone?: Id },
    done?: Done, failed?: Failed): void;
  (command: "segment", action: "get", done: Done<unknown>, failed?: Failed): void;
  (command: "loyalty", action: "join" | "status", member: Id | { [name: string]: Json }, done?: Done<unknown>,
    failed?: Failed): void;
  (command: "subscribe_trigger" | "unsubscribe_trigger", kind: "product_price_decrease" | "product_available",
    what: { email?: string; item?: Id; item_ids?: Id[]; price?: number; properties?: object }, done?: Done,
    failed?: Failed): void;
  (command: "did" | "sid", done: (id: string) => void): void;
  (command: string, ...args: unknown[]): void;
}

declare global {
  interface Window {
    habitueOptions?: HabitueOptions;
    habitue?: Habitue | HabitueQueue;
    rrPartnerId?: string;
    rrApi: RetailRocketApi;
    rrApiOnReady: { push(...callbacks: RetailRocketCallback[]): number };
    retailrocket?: {
      api: {
        getPartnerId(): string;
        getSessionId(): string;
        getPartnerVisitorId(): string;
        pushTrackingCall(callback: RetailRocketCallback): void;
      };
    };
    personaclick: PersonaClick;
    r46: PersonaClick;
  }
}
