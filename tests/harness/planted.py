"""Bugs that are planted into a test's own database, to show that a harness finds them.

A *planted bug* takes one guard out of one SQL function of the schema. Planting fails loudly when
the guard is not where it is looked for, so that a renamed guard does not make a harness blind.
"""

from habitue.store.database import Database

_CLAIM_GUARD = "PERFORM guard_failed('claim');"

#: name -> (function, what stands there, what is put in its place)
BUGS: dict[str, tuple[str, str, str]] = {
    "no limit of uses": (
        "redeem_coupons",
        "AND (usage_limit = 0 OR usage_counter < usage_limit)",
        "",
    ),
    "no end of a budget": ("take_budget", "IF total < a_amount THEN", "IF false THEN"),
    "no end of a slot": (
        "take_slot",
        "WHERE budget_id = known AND slot = a_preferred AND remaining >= a_amount",
        "WHERE budget_id = known AND slot = a_preferred",
    ),
    "no end of a gift card": (
        "write_resource_budgets",
        "AND discount_counter + taken_amount <= discount_limit",
        "",
    ),
    "no limit of reservations": (
        "write_resource_reservations",
        "AND (reservation_limit = 0 OR reservation_counter < reservation_limit)",
        "",
    ),
    "no reservation that is there already": (
        "reserve_coupon",
        "changed := changed + CASE WHEN FOUND THEN 1 ELSE 0 END",
        "changed := changed + 1",
    ),
    "no limit of friends": (
        "write_resource_referrals",
        "AND (usage_limit = 0 OR usage_counter < usage_limit)",
        "",
    ),
    "no end of a giveaway": ("write_resource_giveaways", "AND NOT used", ""),
    "no guard of a code's attribute": (
        "write_resource_codes",
        "attributes -> change.name IS NOT DISTINCT FROM change.old;\n        ELSE",
        "true;\n        ELSE",
    ),
    "no version of the customer": ("update_customer", "AND version = a_version", ""),
    "no claim of the profile": ("insert_customer", _CLAIM_GUARD, "NULL;"),
    "no claim of the session": ("save_session", _CLAIM_GUARD, "NULL;"),
    "no claim of the identifiers": ("take_claims", _CLAIM_GUARD, "NULL;"),
    "no release of the identifiers": (
        "save_card",
        "DELETE FROM claim WHERE claim_key = ANY (a_released)",
        "DELETE FROM claim WHERE false",
    ),
    "no end of old names": (
        "save_card",
        "DELETE FROM customer_name WHERE customer_id = a_customer_id",
        "DELETE FROM customer_name WHERE false",
    ),
    "no release of the counter": ("release_coupons", "usage_counter - 1", "usage_counter"),
    "no count of the sales": (
        "update_customer",
        "total_sales = total_sales + a_total_sales_change",
        "total_sales = total_sales",
    ),
    "no version of the cards": ("standing_customer", "AND version = a_version", ""),
    "no root for a new session": (
        "save_session",
        "SELECT root_id INTO named_root FROM claim WHERE claim_key = a_profile_key",
        "named_root := NULL",
    ),
    "no receipt": ("save_receipt", "PERFORM guard_failed('receipt');", "NULL;"),
    "no change of the lots": (
        "write_lots",
        "SET remaining = remaining + coalesce(moved.amount, 0)",
        "SET remaining = remaining",
    ),
    "no change of the balance": (
        "append_postings",
        "account.spent := account.spent + sums.spent",
        "account.spent := account.spent",
    ),
    "no reading of what a session spent": (
        "read_resource_points",
        "FILTER (WHERE posted.kind = 'spend' AND posting.place = 'spent')",
        "FILTER (WHERE false)",
    ),
    "no rollback of what others were given": (
        "write_resource_owners",
        "PERFORM save_points(owner.id, owner.version, a_now, owner.ledgers);",
        "PERFORM save_points(owner.id, owner.version, a_now, owner.ledgers)"
        " WHERE owner.ledgers::text NOT LIKE '%take_back%';",
    ),
    "no end of the holds": (
        "write_holds",
        "AND loyalty_hold.key = gone.key",
        "AND loyalty_hold.key <> gone.key",
    ),
    "no version of the program's card": ("guard_program_card", "AND version = a_version", ""),
    "no version of the account": ("append_postings", "AND version = wanted.version", ""),
    "no version of the account that earns": (
        "earn_points",
        "AND account.version = chained.version",
        "",
    ),
    "no version of the customer who earns": (
        "earn_points",
        "AND version = wanted.customer_version",
        "",
    ),
    "no version of the account that spends": (
        "spend_points",
        "AND account.version = chained.version",
        "",
    ),
    "no version where the account that spends is read": (
        "spend_points",
        "AND loyalty_account.version = wanted.version OFFSET 0",
        "OFFSET 0",
    ),
    "no version of the customer who spends": (
        "spend_points",
        "AND version = wanted.customer_version",
        "",
    ),
    "no change of the lots that are spent from": (
        "spend_points",
        "SET remaining = remaining - taken.amount",
        "SET remaining = remaining",
    ),
    "no sum of what is spent": ("spend_points", "spent = spent + chained.amount", "spent = spent"),
    "no sum of what is earned": (
        "earn_points",
        "open = open + chained.amount",
        "open = open",
    ),
    "no move of the events": (
        "move_session",
        "DELETE FROM session_event WHERE customer_id = a_from",
        "DELETE FROM session_event WHERE customer_id = -a_from",
    ),
}


async def plant(database: Database, name: str) -> None:
    """Takes the guard out of the function, in this database only."""
    function, guard, replacement = BUGS[name]
    definition = await database.fetchval(
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = $1", function
    )
    assert definition.count(guard) == 1, f"{guard!r} is not in {function} exactly once"
    await database.execute(definition.replace(guard, replacement))
