"""What a shop says of itself: stored, read by every worker, and there from the start."""

from habitue.customers.merge import MERGE_ACTION
from habitue.customers.organisation import BLOCKS, Till
from habitue.store.configuration import new_ids
from habitue.store.database import Database
from habitue.usecases.configuration import Change, save_configuration
from tests.configure.shops import NOW, opened


async def test_a_new_shop_has_labels_fields_and_settings(database: Database) -> None:
    organisation = (await opened(database)).configuration.organisation
    assert [each.label for each in organisation.status_labels.values()] == [
        "Active",
        "Suspended",
        "Deleted",
        "Fraud suspected",
        "Fraud confirmed",
        "Internal",
        "Pending deletion",
    ]
    assert {each.status for each in organisation.card_labels.values() if each.is_default} == {
        "NOT_ISSUED",
        "ISSUED",
        "ACTIVE",
        "SUSPENDED",
        "EXPIRED",
        "DELETED",
    }
    deleted = organisation.default_status_label("DELETED")
    assert deleted is not None
    assert deleted.blocks == BLOCKS
    assert MERGE_ACTION in BLOCKS
    gender = organisation.extended_field_of["CUSTOMER", "gender"]
    assert (gender.type, gender.options[:2]) == ("STANDARD_ENUM", ("Male", "Female"))
    assert (organisation.tills, organisation.card_series) == ({}, {})
    assert organisation.settings.primary_kind == "mobile"


async def test_an_entry_is_read_by_every_worker_and_gone_when_deleted(database: Database) -> None:
    shop, other = await opened(database), await opened(database)
    (id_,) = await new_ids(database, "till")
    assert id_ == 101
    till = Till(id_, "orchard.till03", "Till 3", NOW, store_code="orchard")
    await save_configuration(database, 1, [Change(till)])
    await shop.refresh()
    assert shop.configuration.organisation.tills == {101: till}
    assert shop.configuration.organisation.till_of == {"orchard.till03": till}
    assert (await other.refresh()) == shop.configuration
    await save_configuration(database, 2, [Change(till, deleted=True)])
    assert (await other.refresh()).organisation.tills == {}
    assert (await opened(database)).configuration.organisation.tills == {}
