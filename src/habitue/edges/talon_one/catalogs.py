"""Catalogs on the wire, as both APIs of the protocol show them."""

from datetime import datetime

import msgspec

from habitue.promotions.catalog import Catalog
from habitue.store.catalogs import VersionRow

#: One deployment is one organisation: there is one account, and one user who did everything.
ACCOUNT_ID = 1
USER_ID = 1


class CatalogOut(msgspec.Struct, rename="camel"):
    """A catalog; `version` counts its synchronisations."""

    id: int
    created: datetime
    account_id: int
    modified: datetime
    name: str
    description: str
    subscribed_applications_ids: list[int]
    version: int
    created_by: int


def catalog_out(catalog: Catalog, version: VersionRow) -> CatalogOut:
    """The catalog as it is shown; it was modified when it was described or synchronised."""
    return CatalogOut(
        id=catalog.id,
        created=catalog.created,
        account_id=ACCOUNT_ID,
        modified=max(catalog.modified, version.modified),
        name=catalog.name,
        description=catalog.description,
        subscribed_applications_ids=list(catalog.subscribed_application_ids),
        version=version.version,
        created_by=USER_ID,
    )
