// Two commerce engines that run in Node: `node peers.mjs WORKLOAD.json` prints a line of JSON for each.
//
// Each runs the code that decides about promotions, with the promotions in memory in place of its
// database: Medusa's computeActions, and Vendure's OrderCalculator. Facts are summed up beforehand.
// Medusa's database leaves some promotions out by their rules before that; that is not part of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { measured } from "./timing.mjs";

const require = createRequire(import.meta.url);
const { promotions, carts, ...limits } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const pinned = require("./package.json").dependencies;
const isCoupon = ({ fact }) => fact === "codes";

function medusa() {
  const Service = require("@medusajs/promotion/dist/services/promotion-module").default;
  const operators = { "==": "eq", ">=": "gte", has: "in" };
  const stored = promotions.map(({ id, conditions, percent }) => ({
    id: `promo_${id}`,
    code: `code${id}`,
    is_automatic: !conditions.some(isCoupon),
    type: "standard",
    rules: conditions
      .filter((condition) => !isCoupon(condition))
      .map(({ fact, key, operator, value }) => ({
        attribute: key ? `${fact}.${key}` : fact,
        operator: operators[operator],
        values: [{ value: String(value) }],
      })),
    application_method: {
      type: "percentage",
      target_type: "order",
      allocation: "across",
      value: percent,
      target_rules: [],
    },
  }));
  const byCode = new Map(stored.map((promotion) => [promotion.code, promotion]));
  const automatic = stored.filter((promotion) => promotion.is_automatic);
  const service = Object.create(Service.prototype);
  service.baseRepository_ = {
    getFreshManager: () => ({}),
    serialize: async (value) => value,
  };
  service.listActivePromotions_ = async (filter) => [
    ...automatic,
    ...filter.code.map((code) => byCode.get(code)).filter((each) => each && !each.is_automatic),
  ];
  return async (facts) => {
    const context = {
      ...facts,
      items: facts.lines.map(({ price, quantity }, index) => ({
        id: `item_${index}`,
        quantity,
        unit_price: price,
        subtotal: price * quantity,
        original_total: price * quantity,
        is_discountable: true,
      })),
    };
    const actions = await service.computeActions(facts.codes, context, {
      prevent_auto_promotions: true,
    });
    return [...new Set(actions.map(({ code }) => Number(code.slice(4))))];
  };
}

function vendureCondition(core) {
  const holds = {
    "==": (found, value) => found === value,
    ">=": (found, value) => found >= value,
    has: (found, value) => found.includes(value),
  };
  return new core.PromotionCondition({
    code: "fact",
    description: [{ languageCode: "en", value: "A fact of the order" }],
    args: { fact: { type: "string" }, key: { type: "string" }, operator: { type: "string" }, value: { type: "string" } },
    check(ctx, order, { fact, key, operator, value }) {
      const known = order.customFields[fact];
      const wanted = typeof known === "object" || typeof known === "string" ? value : JSON.parse(value);
      return holds[operator](key ? known[key] : known, key ? Number(value) : wanted);
    },
  });
}

function vendure() {
  const core = require("@vendure/core");
  const condition = vendureCondition(core);
  const action = new core.PromotionOrderAction({
    code: "percent",
    description: [{ languageCode: "en", value: "A percentage of the order" }],
    args: { percent: { type: "int" } },
    execute: (ctx, order, { percent }) => (-order.customFields.cents * percent) / 100,
  });
  const stored = promotions.map(({ id, conditions, percent }) => new core.Promotion({
    id,
    name: `promotion ${id}`,
    couponCode: conditions.some(isCoupon) ? `code${id}` : undefined,
    promotionConditions: [condition],
    promotionActions: [action],
    conditions: conditions.filter((each) => !isCoupon(each)).map((each) => ({
      code: "fact",
      args: Object.entries({ key: "", ...each }).map(([name, value]) => ({ name, value: String(value) })),
    })),
    actions: [{ code: "percent", args: [{ name: "percent", value: String(percent) }] }],
  }));
  const zone = { id: 1 };
  const calculator = new core.OrderCalculator(
    {
      taxOptions: {
        taxZoneStrategy: {},
        orderTaxCalculationStrategy: new core.DefaultOrderTaxCalculationStrategy(),
        taxLineCalculationStrategy: { calculate: () => [] },
      },
      orderOptions: { orderLineDiscountDistributionStrategy: new core.DefaultOrderLineDiscountDistributionStrategy() },
    },
    { getAllWithMembers: async () => [zone] },
    { getApplicableTaxRate: async () => ({ value: 0 }) },
    {},
    {},
    { get: async () => zone },
  );
  return async (facts) => {
    const lines = facts.lines.map(({ price, quantity }, index) => new core.OrderLine({
      id: index + 1,
      quantity,
      listPrice: Math.round(price * 100),
      listPriceIncludesTax: false,
      adjustments: [],
      taxLines: [],
    }));
    const order = new core.Order({
      id: 1,
      lines,
      couponCodes: facts.codes,
      surcharges: [],
      shippingLines: [],
      modifications: [],
      taxZoneId: 1,
      customFields: { ...facts, cents: Math.round(facts.total * 100) },
    });
    await calculator.applyPriceAdjustments({ channelId: 1 }, order, stored, [], { recalculateShipping: false });
    return order.promotions.map(({ id }) => id);
  };
}

for (const [name, build] of Object.entries({ "@medusajs/promotion": medusa, "@vendure/core": vendure })) {
  const times = await measured(build(), carts, limits);
  console.log(JSON.stringify({ engine: name, version: pinned[name], ...times }));
}
process.exit(0);
