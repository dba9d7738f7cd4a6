"""The configuration as a whole: what is saved is read, by every worker, exactly."""

import asyncio
from decimal import Decimal

import pytest

from habitue.model.attributes import AttributeDefinition
from habitue.model.errors import Conflict, NotFound
from habitue.promotions.configuration import Configuration
from habitue.store.configuration import new_ids
from habitue.store.database import Database
from habitue.store.failures import GuardFailed
from habitue.usecases.configuration import Change, load_configuration, save_configuration
from habitue.usecases.configure.applications import (
    ApplicationFields,
    create_application,
    delete_application,
    update_application,
)
from habitue.usecases.configure.attributes import AttributeFields, create_attribute
from habitue.usecases.configure.campaigns import delete_campaign
from habitue.usecases.configure.coupon_checks import CouponFields, CouponOrder
from habitue.usecases.configure.coupons import create_coupons
from habitue.usecases.configure.keys import create_key
from habitue.usecases.configure.rulesets import create_ruleset
from tests.configure.shops import NOW, TEN_OFF, opened, with_application, with_campaign


async def test_a_new_shop_knows_the_built_in_attributes_only(database: Database) -> None:
    shop = await opened(database)
    names = {each.name for each in shop.configuration.attributes.values()}
    assert {"Name", "Email", "Phone", "Gender", "BirthDate", "SignupDate", "Language"} <= names
    assert all(
        each.builtin and not each.editable for each in shop.configuration.attributes.values()
    )
    assert shop.configuration.version == 1
    assert (shop.configuration.applications, shop.configuration.campaigns) == ({}, {})


async def test_what_one_worker_saves_another_reads_exactly(database: Database) -> None:
    shop, other = await opened(database), await opened(database)
    fields = AttributeFields(entity="Application", name="margin", type="number")
    await create_attribute(shop, fields, NOW)
    application = await with_application(shop, attributes={"margin": Decimal("0.123456789012")})
    campaign = await with_campaign(shop, application.id, tags=("a",))
    ruleset = await create_ruleset(shop, application.id, campaign.id, TEN_OFF, True, NOW)
    key = await create_key(
        shop, "secret", "integration", "Web", application.id, NOW.replace(year=2030), NOW
    )
    await other.refresh()
    assert other.configuration == shop.configuration
    assert other.configuration.applications == {application.id: application}
    assert other.configuration.rulesets == {ruleset.id: ruleset}
    assert list(other.configuration.keys.values()) == [key]
    assert application.attributes == {"margin": Decimal("0.123456789012")}


async def test_nothing_is_read_when_nothing_changed(database: Database) -> None:
    shop = await opened(database)
    await with_application(shop)
    before = shop.configuration
    assert await shop.refresh() is before


async def test_a_save_decided_on_an_older_version_changes_nothing(database: Database) -> None:
    shop = await opened(database)
    application = await with_application(shop)
    version = shop.configuration.version
    with pytest.raises(GuardFailed):
        await save_configuration(database, version - 1, [Change(application, deleted=True)])
    assert (await load_configuration(database, Configuration())).applications == {
        application.id: application
    }
    assert (await shop.refresh()).version == version


async def test_racing_writers_all_get_their_turn_and_names_stay_unique(database: Database) -> None:
    shops = [await opened(database) for _ in range(4)]

    async def create(index: int) -> bool:
        fields = ApplicationFields(name=f"Shop {index % 6}", timezone="UTC", currency="EUR")
        try:
            await create_application(shops[index % 4], fields, NOW)
        except Conflict:
            return False
        return True

    created = await asyncio.gather(*map(create, range(12)))
    assert created.count(True) == 6
    applications = (await shops[0].refresh()).applications.values()
    assert sorted(each.name for each in applications) == [f"Shop {index}" for index in range(6)]
    assert shops[0].configuration.version == 7


async def test_ids_are_given_out_once(database: Database) -> None:
    batches = await asyncio.gather(*(new_ids(database, "campaign", 5) for _ in range(6)))
    ids = [id_ for batch in batches for id_ in batch]
    assert len(set(ids)) == 30


async def test_deleting_an_application_takes_all_that_is_its_own(database: Database) -> None:
    shop = await opened(database)
    gone, kept = await with_application(shop), await with_application(shop, name="Till")
    for application in (gone, kept):
        campaign = await with_campaign(shop, application.id)
        await create_ruleset(shop, application.id, campaign.id, TEN_OFF, True, NOW)
        order = CouponOrder(fields=CouponFields(), recipients=("",), pattern="HELLO")
        await create_coupons(shop, application.id, campaign.id, order, lambda n: n - 1, NOW)
        expires = NOW.replace(year=2030)
        secret = f"key of {application.id}"
        await create_key(shop, secret, "integration", "Web", application.id, expires, NOW)
    await delete_application(shop, gone.id)
    configuration = shop.configuration
    assert list(configuration.applications) == [kept.id]
    assert [each.application_id for each in configuration.campaigns.values()] == [kept.id]
    assert [each.application_id for each in configuration.keys.values()] == [kept.id]
    assert len(configuration.rulesets) == 1
    assert await database.fetchval("SELECT count(*) FROM coupon") == 1
    with pytest.raises(NotFound):
        await delete_application(shop, gone.id)
    again = await with_application(shop)
    assert again.name == gone.name


async def test_the_codes_of_a_deleted_campaign_are_free_again(database: Database) -> None:
    shop = await opened(database)
    application = await with_application(shop)
    order = CouponOrder(fields=CouponFields(), recipients=("",), pattern="HELLO")
    first = await with_campaign(shop, application.id)
    await create_coupons(shop, application.id, first.id, order, lambda n: 0, NOW)
    await delete_campaign(shop, application.id, first.id)
    with pytest.raises(NotFound):
        await create_coupons(shop, application.id, first.id, order, lambda n: 0, NOW)
    second = await with_campaign(shop, application.id)
    (coupon,) = await create_coupons(shop, application.id, second.id, order, lambda n: 0, NOW)
    assert (coupon.code, coupon.campaign_id) == ("HELLO", second.id)


async def test_a_refused_change_keeps_version_and_values(database: Database) -> None:
    shop = await opened(database)
    application = await with_application(shop)
    await with_application(shop, name="Till")
    before = shop.configuration
    with pytest.raises(Conflict):
        await update_application(shop, application.id, ApplicationFields(name="Till"), NOW)
    assert await shop.refresh() is before


def test_a_definition_serves_all_applications_unless_it_names_some() -> None:
    everywhere = AttributeDefinition(1, "Coupon", "a", "a", "string", NOW)
    somewhere = AttributeDefinition(
        2, "Coupon", "b", "b", "string", NOW, subscribed_application_ids=(7,)
    )
    assert (everywhere.serves(1), somewhere.serves(1), somewhere.serves(7)) == (True, False, True)
