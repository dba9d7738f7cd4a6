"""Judges a database by what must hold of it, whatever was done to it.

Everything is recomputed from rows and documents with plain dictionaries; no code of the engine is
used. A *violation* is one sentence that names the row; none means that the books are right.
"""

import json
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from habitue.store.database import Database

TABLES = ("claim", "customer", "session", "session_event", "redemption", "coupon", "receipt")
Rows = dict[str, list[dict[str, Any]]]
#: The states of a session that count as a purchase.
SOLD = ("closed", "partially_returned")


async def violations(database: Database) -> list[str]:
    """All that is wrong, in sentences."""
    async with database.transaction(snapshot=True) as connection:
        rows: Rows = {
            table: [
                json.loads(row["document"], parse_float=Decimal)
                for row in await connection.fetch(
                    f"SELECT to_jsonb({table}) AS document FROM {table}"
                )
            ]
            for table in TABLES
        }
    return [
        *coupon_violations(rows),
        *claim_violations(rows),
        *orphans(rows),
        *customer_violations(rows),
        *session_violations(rows),
    ]


def coupon_violations(rows: Rows) -> list[str]:
    """Counters equal the redemptions that stand, and stay within their limits."""
    redeemed = Counter(each["coupon_id"] for each in rows["redemption"])
    wrong = []
    for coupon in rows["coupon"]:
        code, counter, limit = coupon["code"], coupon["usage_counter"], coupon["usage_limit"]
        standing = redeemed[coupon["id"]]
        if counter != standing:
            wrong.append(f"coupon {code} counts {counter} uses and has {standing} redemptions")
        if limit and standing > limit:
            wrong.append(f"coupon {code} has {standing} redemptions and a limit of {limit}")
    return wrong


def claim_violations(rows: Rows) -> list[str]:
    """Every session is claimed once by its owner; every claim leads to something."""
    wrong = []
    sessions = {(each["customer_id"], each["id"]) for each in rows["session"]}
    claimed = [
        (each["customer_id"], each["session_id"])
        for each in rows["claim"]
        if each["session_id"] is not None
    ]
    wrong += [f"claim on session {each} leads nowhere" for each in claimed if each not in sessions]
    wrong += [f"session {each} is not claimed" for each in sessions - set(claimed)]
    customers = {each["id"] for each in rows["customer"]}
    wrong += [
        f"claim of customer {each['customer_id']}, who does not exist"
        for each in rows["claim"]
        if each["customer_id"] not in customers
    ]
    names = Counter((each["application_id"], each["integration_id"]) for each in rows["session"])
    wrong += [f"{count} sessions are named {name}" for name, count in names.items() if count > 1]
    ids = Counter(each["id"] for each in rows["session"])
    return wrong + [f"{count} sessions have id {id_}" for id_, count in ids.items() if count > 1]


def orphans(rows: Rows) -> list[str]:
    """Rows that belong to nothing."""
    states = {(each["customer_id"], each["id"]): each["state"] for each in rows["session"]}
    wrong = []
    for table in ("session_event", "redemption"):
        wrong += [
            f"{table} of session {each['session_id']}, which does not exist"
            for each in rows[table]
            if (each["customer_id"], each["session_id"]) not in states
        ]
    for each in rows["redemption"]:
        state = states.get((each["customer_id"], each["session_id"]))
        if state not in SOLD:
            wrong.append(f"redemption of session {each['session_id']}, which is {state}")
    customers = {each["id"] for each in rows["customer"]}
    wrong += [
        f"session {each['integration_id']} of a customer who does not exist"
        for each in rows["session"]
        if each["customer_id"] not in customers
    ]
    claimed = {each["customer_id"] for each in rows["claim"] if each["session_id"] is None}
    return wrong + [
        f"customer {each['id']} cannot be found by any identifier"
        for each in rows["customer"]
        if each["id"] not in claimed
        and not each["anonymous"]
        and each["merged_into"] is None
        and each["erased"] is None
    ]


def customer_violations(rows: Rows) -> list[str]:
    """The counters of customers are what their sessions say."""
    sessions = defaultdict(list)
    for each in rows["session"]:
        sessions[each["customer_id"]].append(each)
    wrong = []
    for customer in rows["customer"]:
        mine = sessions[customer["id"]]
        if customer["merged_into"] is not None:
            continue
        closed = [each for each in mine if each["state"] in SOLD]
        for name, counted, true in (
            ("sessions", customer["session_count"], len(mine)),
            ("closed sessions", customer["closed_sessions"], len(closed)),
            ("sales", customer["total_sales"], sum(map(total_of, closed))),
        ):
            if counted != true:
                wrong.append(f"customer {customer['id']} counts {counted} {name}, not {true}")
        if customer["anonymous"] and len(mine) != 1:
            wrong.append(f"anonymous customer {customer['id']} has {len(mine)} sessions")
    return wrong


def total_of(session: dict[str, Any]) -> Decimal:
    """What a session's goods and costs come to, without what was returned."""
    document = session["document"]
    total = Decimal(0)
    for item in document["cart_items"]:
        costs = item.get("additional_costs", {}).values()
        kept = Decimal(item["quantity"] - item.get("returned_quantity", 0))
        total += kept * sum(map(Decimal, costs), Decimal(item["price"]))
    return total + sum(map(Decimal, document["additional_costs"].values()))


def session_violations(rows: Rows) -> list[str]:
    """Documents agree with their rows, with their events and with what was redeemed."""
    events = Counter(each["session_id"] for each in rows["session_event"])
    redeemed = defaultdict(set)
    for each in rows["redemption"]:
        redeemed[each["session_id"]].add(each["coupon_id"])
    wrong = []
    for session in rows["session"]:
        document, id_ = session["document"], session["id"]
        wrong += return_violations(document)
        wrong += [
            f"session {id_} has {name} {document[name]} and {session[name]}"
            for name in ("state", "customer_id", "id", "integration_id")
            if document[name] != session[name]
        ]
        if document["update_count"] != events[id_]:
            counts = f"{document['update_count']} updates and {events[id_]} events"
            wrong.append(f"session {id_} has {counts}")
        if session["state"] in SOLD and accepted_in(document) != redeemed[id_]:
            found = f"accepted {accepted_in(document)} and redeemed {redeemed[id_]}"
            wrong.append(f"session {id_} {found}")
    return wrong


def return_violations(document: dict[str, Any]) -> list[str]:
    """The units that came back are those of the returns, and none of them has a discount."""
    id_, state, items = document["id"], document["state"], document["cart_items"]
    made = document.get("returns", {"made": []})["made"]
    wrong = []
    if state != "cancelled" and bool(made) != (state == "partially_returned"):
        wrong.append(f"session {id_} is {state} and has {len(made)} returns")
    back: Counter[int] = Counter()
    for line in (line for each in made for line in each["lines"]):
        back[line["position"]] += line["quantity"]
    for position, item in enumerate(items):
        returned = item.get("returned_quantity", 0)
        if returned != back[position] or not 0 <= returned <= item["quantity"]:
            wrong.append(f"session {id_} has {returned} of {back[position]} units back")
    for outcome in (effect["outcome"] for effect in document["effects"]):
        per_item = outcome["type"] == "SetDiscountPerItem"
        if per_item and outcome["sub_position"] < back[outcome["position"]]:
            wrong.append(f"session {id_} has a discount on a unit that came back")
    return wrong


def accepted_in(document: dict[str, Any]) -> set[int]:
    """The coupons that a session's effects accepted; every rule of the tests redeems them."""
    return {
        effect["coupon_id"]
        for effect in document["effects"]
        if effect["outcome"]["type"] == "AcceptCoupon"
    }
