"""Applying shop files: what they want comes to be, once, and exactly."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from habitue.edges.shop_files import read_files
from habitue.edges.shop_files.reading import FilesRefused
from habitue.model.errors import InvalidInput
from habitue.promotions.campaign import Limit
from habitue.store.database import Database
from habitue.usecases.apply import Plan, apply
from habitue.usecases.configure.coupons import read_coupon
from habitue.usecases.shop import Shop
from tests.configure.shops import NOW, opened

EXAMPLE = Path(__file__).with_name("shop.yaml")


async def applied(shop: Shop, *paths: Path, dry_run: bool = False) -> Plan:
    return await apply(shop, read_files(paths).wanted, NOW, dry_run=dry_run)


async def refused(shop: Shop, path: Path) -> list[str]:
    """The lines in which the file is refused, with nothing changed."""
    version, coupons = (await shop.refresh()).version, await count(shop.database, "coupon")
    try:
        files = read_files([path])
    except FilesRefused as refusal:
        return list(refusal.lines)
    with pytest.raises(InvalidInput) as caught:
        await apply(shop, files.wanted, NOW, dry_run=False)
    assert (await shop.refresh()).version == version
    assert await count(shop.database, "coupon") == coupons
    return [files.told(fault) for fault in caught.value.faults]


async def count(database: Database, table: str) -> int:
    number: int = await database.fetchval(f"SELECT count(*) FROM {table}")
    return number


def steps(plan: Plan) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(each.action, each.kind, each.name, each.differences) for each in plan.steps]


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The example with some of its text replaced."""
    text = EXAMPLE.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "edited.yaml"
    path.write_text(text)
    return path


async def test_a_shop_comes_to_be(database: Database) -> None:
    shop = await opened(database)
    plan = await applied(shop, EXAMPLE)
    assert steps(plan) == [
        ("create", "attribute", "CartItem.color", ()),
        ("create", "attribute", "Coupon.channel", ()),
        ("create", "additional cost", "shipping", ()),
        ("create", "application", "Web shop", ()),
        ("create", "campaign", "Web shop / Welcome", ()),
        ("create", "coupon", "WELCOME10", ()),
        ("create", "coupon", "0123", ()),
        ("create", "campaign", "Web shop / Always", ()),
        ("create", "customer", "maria", ()),
    ]
    configuration = await shop.refresh()
    (application,) = configuration.applications.values()
    welcome, always = configuration.campaigns_of(application.id)
    assert welcome.limits == (Limit("redeemCoupon", Decimal(1), ("Profile",)),)
    rules = {id_: each.document["rules"] for id_, each in configuration.rulesets.items()}
    assert rules[welcome.active_ruleset_id or 0][0]["condition"] == [
        "and",
        ["couponValid"],
        [">=", [".", "Session", "Total"], 100],
    ]
    (effect,) = rules[always.active_ruleset_id or 0][0]["effects"]
    assert effect == ["setDiscount", "One", Decimal("1.1")]
    documents = await database.fetch("SELECT to_jsonb(coupon) AS document FROM coupon ORDER BY id")
    coupons = [read_coupon(row["document"]) for row in documents]
    assert [(each.code, each.usage_limit, each.recipient_integration_id) for each in coupons] == [
        ("WELCOME10", 0, ""),
        ("0123", 1, "ann"),
    ]
    assert coupons[0].attributes == {"channel": "mail"}
    assert await count(database, "customer") == 1


async def test_the_second_time_nothing_changes(database: Database) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    before = shop.configuration
    plan = await applied(shop, EXAMPLE)
    assert {each.action for each in plan.steps} == {"unchanged"}
    assert len(plan.steps) == 9
    assert not plan.writes
    assert plan.customers == ()
    assert await shop.refresh() is before
    assert await count(database, "ruleset") == 2


async def test_a_dry_run_tells_and_writes_nothing(database: Database) -> None:
    shop = await opened(database)
    plan = await applied(shop, EXAMPLE, dry_run=True)
    assert [each.action for each in plan.steps] == ["create"] * 9
    assert (await shop.refresh()).version == 1
    assert [await count(database, table) for table in ("application", "coupon", "customer")] == [
        0,
        0,
        0,
    ]


async def test_what_differs_is_told_and_changed(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    path = edited(
        tmp_path,
        ("suggestions: [red, green]", "suggestions: [red, green, blue]"),
        ("title: Shipping", "title: Freight"),
        ("timezone: Europe/Berlin", "timezone: Europe/Vienna"),
        ("limit: 1,", "limit: 2,"),
        (">= 100", ">= 200"),
        ("usageLimit: 0", "usageLimit: 7"),
        ("Name: Maria", "Name: Marie"),
    )
    plan = await applied(shop, path)
    assert [each for each in steps(plan) if each[0] != "unchanged"] == [
        ("update", "attribute", "CartItem.color", ("suggestions",)),
        ("update", "additional cost", "shipping", ("title",)),
        ("update", "application", "Web shop", ("timezone",)),
        ("update", "campaign", "Web shop / Welcome", ("limits", "rules")),
        ("update", "coupon", "WELCOME10", ("usage limit",)),
        ("update", "customer", "maria", ("Name",)),
    ]
    assert await count(database, "ruleset") == 3
    assert (await applied(shop, path)).writes is False
    usage_limit = "SELECT usage_limit FROM coupon WHERE code = 'WELCOME10'"
    assert await database.fetchval(usage_limit) == 7


async def test_what_a_file_does_not_mention_stays(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    before = shop.configuration
    path = tmp_path / "more.yaml"
    path.write_text("applications: [{name: Web shop, campaigns: [{name: Welcome}]}]")
    plan = await applied(shop, path)
    assert [each.action for each in plan.steps] == ["unchanged", "unchanged"]
    assert await shop.refresh() is before


async def test_files_build_upon_one_another(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    path = tmp_path / "more.yaml"
    path.write_text(
        "applications: [{name: Web shop, campaigns: [{name: Welcome, tags: [a]}, {name: New}]}]"
    )
    plan = await applied(shop, EXAMPLE, path)
    assert steps(plan)[8:11] == [
        ("create", "application", "Web shop", ()),
        ("update", "campaign", "Web shop / Welcome", ("tags",)),
        ("create", "campaign", "Web shop / New", ()),
    ]
    campaigns = (await shop.refresh()).campaigns.values()
    found = {each.name: (each.tags, each.active_ruleset_id is not None) for each in campaigns}
    assert found == {"Welcome": (("a",), True), "Always": ((), True), "New": ((), False)}


CAMPAIGN = "/applications/0/campaigns/0"


WRONG_EDITS = [
    ("Europe/Berlin", "Europe/Atlantis", "/applications/0/timezone: a time zone is"),
    ("currency: EUR", "currency: euro", "/applications/0/currency: a currency is"),
    ("features: [coupons]", "features: [cupons]", f"{CAMPAIGN}/features/0: "),
    ("usageLimit: 0", "usageLimt: 0", f"{CAMPAIGN}/coupons/0/usageLimt: usageLimt is not"),
    ("entities: [Profile]", "entities: [Till]", f"{CAMPAIGN}/limits/0/entities/0: "),
    ("session.total >= 100", "session.totl >= 100", f"{CAMPAIGN}/rules/0/when: Rule"),
    ("couponValid() and", "couponValid() und", f"{CAMPAIGN}/rules/0/when: line 1"),
    ('setDiscount("10 % off", tenth)', "setDiscont(1)", f"{CAMPAIGN}/rules/0/then/0: Rule"),
    ("name: color", "name: co lor", "/attributes/0/name: a name is a letter"),
    ("{channel: mail}", "{chanel: mail}", f"{CAMPAIGN}/coupons/0/attributes/chanel: Attr"),
    ("code: 0123", "code: 'A-#'", f"{CAMPAIGN}/coupons/1/code: a code is written out"),
    ("code: 0123", "code: WELCOME10", f"{CAMPAIGN}/coupons/1/code: the code"),
    ("id: maria", "id: ''", "/customers/0/id: "),
    ("Name: Maria", "Name: 7", '/customers/0/attributes/Name: Value of "Name"'),
    ("  - id: maria", "  - id: !!python/name:os.system maria", "the tag "),
]


async def test_a_wrong_file_is_refused_with_its_place(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    for old, new, told in WRONG_EDITS:
        path = edited(tmp_path, (old, new))
        text = path.read_text()
        number = text[: text.index(new)].count("\n") + 1
        (line,) = await refused(shop, path)
        assert line.startswith((f"{path}:{number}: {told}", f"{path}: line {number}, column"))
        assert told in line


async def test_all_faults_of_a_file_are_told_at_once(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    path = edited(
        tmp_path,
        ("currency: EUR", "currency: euro"),
        ("name: shipping", "name: ship ping"),
        ("Name: Maria", "Nom: Maria"),
    )
    lines = await refused(shop, path)
    assert [line.partition(": ")[2].partition(":")[0] for line in lines] == [
        "/applications/0/currency",
        "/additionalCosts/0/name",
        "/customers/0/attributes/Nom",
    ]


async def test_a_code_of_another_campaign_is_not_taken_away(
    database: Database, tmp_path: Path
) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    path = tmp_path / "more.yaml"
    path.write_text(
        "applications: [{name: Web shop, campaigns: [{name: Other, coupons: [{code: WELCOME10}]}]}]"
    )
    (line,) = await refused(shop, path)
    assert line.endswith('the code "WELCOME10" belongs to another campaign')
    assert "Other" not in {each.name for each in shop.configuration.campaigns.values()}


async def test_a_file_may_not_name_what_does_not_exist(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    path = tmp_path / "more.yaml"
    path.write_text(
        "attributes:\n  - {entity: Coupon, name: x, type: string, applications: [Nowhere]}\n"
        "customers: [{id: a}]\n"
    )
    assert await refused(shop, path) == [
        f'{path}:2: /attributes/0/applications/0: there is no Application named "Nowhere"',
        f"{path}:3: /customers/0: customers belong to live Applications, and there is none",
    ]


async def test_a_refused_application_is_told_once(database: Database, tmp_path: Path) -> None:
    shop = await opened(database)
    path = edited(tmp_path, ("Europe/Berlin", "Nowhere"))
    assert len(await refused(shop, path)) == 1


async def test_rules_that_look_like_mistakes_are_applied_with_warnings(
    database: Database, tmp_path: Path
) -> None:
    shop = await opened(database)
    path = edited(tmp_path, ("session.total >= 100", "session.total >= 100 and false"))
    files = read_files([path])
    plan = await apply(shop, files.wanted, NOW, dry_run=False)
    (warning, *_) = [files.told(each) for each in plan.warnings]
    assert warning.startswith(f"{path}:28: {CAMPAIGN}/rules/0")
    assert len((await shop.refresh()).rulesets) == 2


async def test_features_may_be_taken_away_and_rules_wait_for_them(
    database: Database, tmp_path: Path
) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    path = edited(tmp_path, ("features: [coupons]", "features: []"))
    plan = await applied(shop, path)
    assert ("update", "campaign", "Web shop / Welcome", ("features",)) in steps(plan)
    assert await count(database, "ruleset") == 2


async def test_a_coupon_changes_by_what_is_said_of_it_only(
    database: Database, tmp_path: Path
) -> None:
    shop = await opened(database)
    await applied(shop, EXAMPLE)
    path = edited(tmp_path, ("recipient: ann", "expiryDate: 2027-01-01T00:00:00Z"))
    plan = await applied(shop, path)
    assert [each for each in steps(plan) if each[0] != "unchanged"] == [
        ("update", "coupon", "0123", ("expiry date",))
    ]
    row = await database.fetchrow("SELECT * FROM coupon WHERE code = '0123'")
    assert row is not None
    assert (row["recipient_integration_id"], row["usage_limit"]) == ("ann", 1)
    assert row["expiry_date"] == datetime(2027, 1, 1, tzinfo=UTC)
