"""A shop file about the shop itself: applied once, told in the plan, refused with the line."""

from pathlib import Path

from habitue.edges.shop_files import read_files
from habitue.store.database import Database
from tests.apply.test_apply import applied, refused, steps
from tests.configure.shops import opened

EXAMPLE = Path(__file__).with_name("organisation.yaml")


async def test_what_a_file_says_of_the_shop_comes_to_be(database: Database) -> None:
    shop = await opened(database)
    plan = await applied(shop, EXAMPLE)
    assert steps(plan) == [
        ("create", "till", "orchard.till03", ()),
        ("create", "source account", "MOBILE_APP:app-1", ()),
        ("create", "extended field", "CUSTOMER:shoe_size", ()),
        ("update", "extended field", "CUSTOMER:gender", ("options",)),
        ("create", "custom field", "loyalty_registration:pin", ()),
        ("create", "card series", "GOLDPHY25", ()),
        ("create", "customer label", "Chargeback", ()),
        ("create", "card label", "CARD GENERATED", ()),
        ("create", "card label", "CARD PRINTED", ()),
        ("update", "card label", "NOT_ISSUED", ("is default",)),
        ("update", "registration", "settings", ("primary kind", "rate limits")),
    ]
    organisation = (await opened(database)).configuration.organisation
    assert organisation.till_of["orchard.till03"].store_code == "orchard"
    assert organisation.source_account_at["MOBILE_APP", "app-1"].name == "The app"
    gender = organisation.extended_field_of["CUSTOMER", "gender"]
    assert (gender.label, gender.options) == ("Gender", ("Male", "Female", "Divers"))
    assert organisation.custom_field_of["loyalty_registration", "pin"].regex == "[0-9]{4}"
    assert organisation.status_label_of["chargeback"].blocks == (
        "transactions",
        "coupon_redemption",
    )
    default = organisation.default_card_label("NOT_ISSUED")
    assert default is not None
    assert default.label == "CARD GENERATED"
    series = organisation.card_series_of["GOLDPHY25"]
    assert (series.prefix, series.suffix, series.expires) == ("GOLD", "2025", True)
    assert organisation.settings.primary_kind == "email"
    assert organisation.settings.rate_limits == {"POST /v2/customers": 30}


async def test_the_second_time_nothing_changes(database: Database) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    before = shop.configuration
    plan = await applied(shop, EXAMPLE)
    assert {each.action for each in plan.steps} == {"unchanged"}
    assert len(plan.steps) == 10
    assert not plan.writes
    assert await shop.refresh() is before


async def test_a_dry_run_tells_and_writes_nothing(database: Database) -> None:
    shop = await opened(database)
    plan = await applied(shop, EXAMPLE, dry_run=True)
    assert len(plan.steps) == 11
    assert (await shop.refresh()).version == 1
    assert await database.fetchval("SELECT count(*) FROM organisation_entry WHERE id > 100") == 0


async def test_a_wrong_file_is_refused_with_its_lines(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    path = tmp_path / "wrong.yaml"
    changes = (
        ("orchard.till03", "a:b"),
        ("mobile_app", "MOON"),
        ("shoe_size, type: INTEGER", "shoe_size"),
        ('"[0-9]{4}"', '"("'),
        ("blocks: [transactions", "blocks: [breathing"),
        ("{label: CARD PRINTED, status: NOT_ISSUED}", "{label: CARD PRINTED, status: LOST}"),
        ("expiryDays: 365", "expiryDays: -1"),
        ("primaryKind: email", "primaryKind: face"),
    )
    text = EXAMPLE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    lines = await refused(shop, path)
    assert [line.removeprefix(str(path)).split(": ")[:2] for line in lines] == [
        [":2", "/tills/0/code"],
        [":4", "/sourceAccounts/0/source"],
        [":6", "/extendedFields/0/type"],
        [":9", "/customFields/0/regex"],
        [":20", "/cardSeries/0/expiryDays"],
        [":11", "/statusLabels/0/blocks/0"],
        [":14", "/cardLabels/1/status"],
        [":24", "/registration/primaryKind"],
    ]


async def test_two_files_are_one_shop(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    more = tmp_path / "more.yaml"
    more.write_text("tills:\n  - {code: orchard.till04}\nregistration:\n  primaryKind: mobile\n")
    plan = await applied(shop, EXAMPLE, more)
    assert ("create", "till", "orchard.till04", ()) in steps(plan)
    assert len(read_files([EXAMPLE, more]).wanted.organisation.entries) == 7
    organisation = shop.configuration.organisation
    assert list(organisation.till_of) == ["orchard.till03", "orchard.till04"]
    assert organisation.settings.primary_kind == "mobile"
