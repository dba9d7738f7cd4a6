"""Creating coupons: as many as asked for, each code once, or none."""

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.model.errors import Conflict, InvalidInput, NotFound
from habitue.promotions.campaign import CodeSettings, Limit
from habitue.promotions.codes import WALKED_SIZE_MAX, code_space, random_codes
from habitue.store.coupon_filters import CouponFilter
from habitue.store.database import Database
from habitue.usecases.configure.attributes import AttributeFields, create_attribute
from habitue.usecases.configure.coupon_checks import CouponFields, CouponOrder
from habitue.usecases.configure.coupons import (
    create_coupons,
    delete_coupon,
    search_coupons,
    update_coupon,
    update_coupon_batch,
)
from habitue.usecases.configure.limits import LimitWish
from habitue.usecases.shop import Shop
from tests.configure.shops import NOW, opened, with_application, with_campaign

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def draw_with(seed: int) -> Callable[[int], int]:
    return random.Random(seed).randrange


def order(
    pattern: str | None = None, number: int = 1, characters: str | None = None, **fields: object
) -> CouponOrder:
    return CouponOrder(
        fields=CouponFields(**fields),  # type: ignore[arg-type]
        recipients=(str(fields.get("recipient_integration_id", "")),) * number,
        pattern=pattern,
        valid_characters=None if characters is None else tuple(characters),
    )


async def place(database: Database, **fields: object) -> tuple[Shop, int, int]:
    shop = await opened(database)
    application = await with_application(shop, **fields)
    campaign = await with_campaign(shop, application.id)
    return shop, application.id, campaign.id


async def count(database: Database) -> int:
    number: int = await database.fetchval("SELECT count(*) FROM coupon")
    return number


async def test_a_fixed_code(database: Database) -> None:
    where = await place(database)
    (coupon,) = await create_coupons(*where, order("my.code-1"), draw_with(1), NOW)
    assert (coupon.code, coupon.usage_limit, coupon.usage_counter) == ("my.code-1", 1, 0)
    assert (coupon.start_date, coupon.expiry_date, coupon.created) == (None, None, NOW)
    assert len(coupon.batch_id) == 16
    with pytest.raises(Conflict) as caught:
        await create_coupons(*where, order("my.code-1"), draw_with(2), NOW)
    assert caught.value.message == 'The code "my.code-1" is taken in this Application'
    assert await count(database) == 1


@pytest.mark.parametrize(
    ("mode", "stored"),
    [
        ("sensitive", "aB-cD"),
        ("insensitive-uppercase", "AB-CD"),
        ("insensitive-lowercase", "ab-cd"),
    ],
)
async def test_codes_are_stored_in_the_spelling_of_their_application(
    database: Database, mode: str, stored: str
) -> None:
    where = await place(database, case_sensitivity=mode)
    (coupon,) = await create_coupons(*where, order("aB-cD"), draw_with(1), NOW)
    assert coupon.code == stored


async def test_the_same_code_may_stand_in_two_applications(database: Database) -> None:
    shop, application_id, campaign_id = await place(database)
    other = await with_application(shop, name="Other")
    campaign = await with_campaign(shop, other.id)
    await create_coupons(shop, application_id, campaign_id, order("HELLO"), draw_with(1), NOW)
    await create_coupons(shop, other.id, campaign.id, order("HELLO"), draw_with(1), NOW)
    assert await count(database) == 2


async def test_a_pattern_yields_every_one_of_its_codes(database: Database) -> None:
    where = await place(database)
    first = await create_coupons(*where, order("X-##", 60, "0123456789"), draw_with(1), NOW)
    second = await create_coupons(*where, order("X-##", 40, "0123456789"), draw_with(2), NOW)
    codes = [coupon.code for coupon in first + second]
    assert sorted(codes) == [f"X-{number:02}" for number in range(100)]
    assert codes[:60] != sorted(codes[:60])
    with pytest.raises(Conflict):
        await create_coupons(*where, order("X-##", 1, "0123456789"), draw_with(3), NOW)


async def test_too_few_free_codes_make_no_coupon_at_all(database: Database) -> None:
    where = await place(database)
    await create_coupons(*where, order("X-#", 8, "0123456789"), draw_with(1), NOW)
    with pytest.raises(Conflict) as caught:
        await create_coupons(*where, order("X-#", 3, "0123456789"), draw_with(2), NOW)
    assert caught.value.message.endswith("1 coupons could not be created")
    assert await count(database) == 8


async def test_twenty_thousand_at_once(database: Database) -> None:
    where = await place(database)
    coupons = await create_coupons(*where, order("########", 20_000), draw_with(1), NOW)
    assert len({coupon.code for coupon in coupons}) == 20_000
    assert len({coupon.batch_id for coupon in coupons}) == 1
    assert await count(database) == 20_000


async def test_codes_that_collide_are_drawn_again(database: Database) -> None:
    where = await place(database)
    # 26 ** 4 codes are too many to walk; a draw from few numbers collides all the time.
    few = random.Random(1)
    coupons = await create_coupons(
        *where, order("####", 50, "".join(LETTERS)), lambda n: few.randrange(min(n, 90)), NOW
    )
    assert len({coupon.code for coupon in coupons}) == 50
    with pytest.raises(Conflict):
        await create_coupons(
            *where, order("####", 41, "".join(LETTERS)), lambda n: few.randrange(min(n, 90)), NOW
        )
    assert await count(database) == 50


async def test_the_campaign_says_how_codes_look(database: Database) -> None:
    shop, application_id, _ = await place(database)
    look = CodeSettings(("7", "8"), "SALE-####")
    campaign = await with_campaign(shop, application_id, coupon_settings=look)
    coupons = await create_coupons(
        shop, application_id, campaign.id, order(number=16), draw_with(1), NOW
    )
    assert {coupon.code[:5] for coupon in coupons} == {"SALE-"}
    assert {character for coupon in coupons for character in coupon.code[5:]} == {"7", "8"}


WRONG_ORDERS = [
        (order("ab"), ["/couponPattern"]),
        (order("a b c"), ["/couponPattern"]),
        (order("x" * 101), ["/couponPattern"]),
        (order("ABC", 2), ["/numberOfCoupons"]),
        (order("A-#", 3, "01"), ["/numberOfCoupons"]),
        (order("A-#", 2, "00"), ["/numberOfCoupons"]),
        (order("A-#", 0), ["/numberOfCoupons"]),
        (order("A-########", 20_001), ["/numberOfCoupons"]),
        (order("A-#", 1, ""), ["/validCharacters"]),
        (order("A-#", 1, "0 "), ["/validCharacters/1"]),
        (order("ABC", usage_limit=-1), ["/usageLimit"]),
        (order("ABC", usage_limit=1_000_000), ["/usageLimit"]),
        (order("ABC", start_date=NOW, expiry_date=NOW), ["/expiryDate"]),
        (order("ABC", attributes={"x": 1}), ["/attributes/x"]),
        (order("ABC", recipient_integration_id="x" * 1001), ["/recipientIntegrationId"]),
        (
            order("ABC", limits=(LimitWish("redeemCoupon", Decimal(1), ("Identifier",)),)),
            ["/limits/0"],
        ),
        (
            order("A-#", 2, limits=(LimitWish("redeemCoupon", Decimal(1), ("Profile",)),)),
            ["/limits"],
        ),
        (order("a b", usage_limit=-1, attributes={"x": 1}),
         ["/couponPattern", "/usageLimit", "/attributes/x"]),
    ]  # fmt: skip


async def test_what_is_wrong_is_told_and_nothing_made(database: Database) -> None:
    where = await place(database)
    for wrong, pointers in WRONG_ORDERS:
        with pytest.raises(InvalidInput) as caught:
            await create_coupons(*where, wrong, draw_with(1), NOW)
        assert [fault.pointer for fault in caught.value.faults] == pointers
    assert await count(database) == 0


async def test_coupons_have_the_mandatory_attributes(database: Database) -> None:
    shop = await opened(database)
    fields = AttributeFields(entity="Coupon", name="channel", type="string")
    await create_attribute(shop, fields, NOW)
    application = await with_application(shop, mandatory_coupon_attributes=("channel",))
    where = shop, application.id, (await with_campaign(shop, application.id)).id
    with pytest.raises(InvalidInput) as caught:
        await create_coupons(*where, order("HELLO"), draw_with(1), NOW)
    assert [fault.pointer for fault in caught.value.faults] == ["/attributes/channel"]
    right = order("HELLO", attributes={"channel": "mail"})
    (coupon,) = await create_coupons(*where, right, draw_with(1), NOW)
    assert coupon.attributes == {"channel": "mail"}


async def test_an_update_clears_dates_and_recipient_that_are_left_out(database: Database) -> None:
    where = await place(database)
    limits = (LimitWish("redeemCoupon", Decimal(2), ("Profile",), "daily"),)
    fields = CouponFields(
        start_date=NOW, expiry_date=NOW + timedelta(days=1), usage_limit=5, limits=limits
    )
    made = CouponOrder(fields=fields, recipients=("",), pattern="HELLO")
    (coupon,) = await create_coupons(*where, made, draw_with(1), NOW)
    assert coupon.limits == (Limit("redeemCoupon", Decimal(2), ("Profile",), "daily"),)
    changed = await update_coupon(*where, coupon.id, CouponFields(usage_limit=9), NOW)
    assert (changed.start_date, changed.expiry_date) == (None, None)
    assert (changed.usage_limit, changed.limits) == (9, coupon.limits)
    given = CouponFields(start_date=NOW, recipient_integration_id="ann", limits=())
    changed = await update_coupon(*where, coupon.id, given, NOW)
    assert (changed.start_date, changed.recipient_integration_id) == (NOW, "ann")
    assert (changed.usage_limit, changed.limits) == (9, ())
    with pytest.raises(NotFound):
        await update_coupon(*where, coupon.id + 1, given, NOW)


async def test_a_batch_is_updated_alone(database: Database) -> None:
    where = await place(database)
    later = NOW + timedelta(days=3)
    dated = order("A-###", 3, expiry_date=later)
    batch = await create_coupons(*where, dated, draw_with(1), NOW)
    others = await create_coupons(*where, order("B-###", 2, expiry_date=later), draw_with(2), NOW)
    fields = CouponFields(usage_limit=4)
    assert await update_coupon_batch(*where, batch[0].batch_id, fields, NOW) == 3
    wanted = CouponFilter(application_id=where[1], now=NOW)
    page = await search_coupons(where[0], wanted, "id", 0, 10)
    assert [(each.usage_limit, each.expiry_date) for each in page.coupons] == [
        (4, None), (4, None), (4, None), (1, later), (1, later)
    ]  # fmt: skip
    assert others[0].batch_id != batch[0].batch_id


async def test_search_filters(database: Database) -> None:
    where = await place(database)
    day = timedelta(days=1)
    for pattern, fields in (
        ("OLD-1", {"expiry_date": NOW}),
        ("NOW-1", {"start_date": NOW, "expiry_date": NOW + day, "usage_limit": 0}),
        ("NEW-1", {"start_date": NOW + day, "recipient_integration_id": "ann"}),
    ):
        made = order(pattern, **fields)
        await create_coupons(*where, made, draw_with(1), NOW)
    await database.execute("UPDATE coupon SET usage_counter = 1 WHERE code IN ('OLD-1', 'NOW-1')")

    async def found(**criteria: object) -> list[str]:
        wanted = CouponFilter(application_id=where[1], now=NOW, **criteria)  # type: ignore[arg-type]
        page = await search_coupons(where[0], wanted, "-code", 0, 10)
        return [coupon.code for coupon in page.coupons]

    assert await found() == ["OLD-1", "NOW-1", "NEW-1"]
    assert await found(valid="expired") == ["OLD-1"]
    assert await found(valid="validNow") == ["NOW-1"]
    assert await found(valid="validFuture") == ["NEW-1"]
    assert await found(usable=True) == ["NOW-1", "NEW-1"]
    assert await found(usable=False) == ["OLD-1"]
    assert await found(redeemed=True) == ["OLD-1", "NOW-1"]
    assert await found(redeemed=False) == ["NEW-1"]
    assert await found(value="w1") == ["NOW-1", "NEW-1"]
    assert await found(value="now1", exact_match=True) == []
    assert await found(value="now-1", exact_match=True) == ["NOW-1"]
    assert await found(value="-") == ["OLD-1", "NOW-1", "NEW-1"]
    assert await found(recipient_integration_id="ann") == ["NEW-1"]
    assert await found(starts_after=NOW + day) == ["NEW-1"]
    assert await found(expires_before=NOW) == ["OLD-1"]
    assert await found(campaign_ids=()) == []
    assert await found(codes=("NEW-1", "X")) == ["NEW-1"]


async def test_pages(database: Database) -> None:
    where = await place(database)
    await create_coupons(*where, order("A-###", 5), draw_with(1), NOW)
    wanted = CouponFilter(application_id=where[1], now=NOW)
    first = await search_coupons(where[0], wanted, "id", 0, 3)
    second = await search_coupons(where[0], wanted, "id", 3, 3)
    assert (first.has_more, len(first.coupons)) == (True, 3)
    assert (second.has_more, len(second.coupons)) == (False, 2)
    assert len({each.id for each in first.coupons + second.coupons}) == 5


async def test_a_coupon_of_another_campaign_is_not_found(database: Database) -> None:
    where = await place(database)
    other = await with_campaign(where[0], where[1])
    (coupon,) = await create_coupons(*where, order("HELLO"), draw_with(1), NOW)
    with pytest.raises(NotFound):
        await delete_coupon(where[0], where[1], other.id, coupon.id, NOW)
    assert await count(database) == 1
    await delete_coupon(*where, coupon.id, NOW)
    assert await count(database) == 0


@settings(max_examples=200, deadline=None)
@given(st.text("ab#-", min_size=1, max_size=6), st.lists(st.sampled_from("xyzXYZ"), min_size=1))
def test_a_space_is_numbered_without_gaps(pattern: str, characters: list[str]) -> None:
    space = code_space(pattern, tuple(characters), str.upper)
    codes = [space.code(number) for number in range(space.size)]
    assert len(set(codes)) == space.size == len({*map(str.upper, characters)}) ** pattern.count("#")
    assert {len(code) for code in codes} == {len(pattern)}
    assert sorted(random_codes(space, draw_with(1))) == sorted(codes)


def test_a_large_space_is_drawn_from_for_ever() -> None:
    space = code_space("####", LETTERS, str.upper)
    assert space.size > WALKED_SIZE_MAX
    codes = random_codes(space, lambda n: n - 1)
    assert [next(codes) for _ in range(3)] == ["ZZZZ"] * 3
