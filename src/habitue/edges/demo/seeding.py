"""The demo shop in the database: its configuration, and keys to try it with.

Applying `shop.yaml` again changes nothing, so the demo can be started on the same data as often as
one likes. Keys are stored as digests only and cannot be read back; so every start makes a new pair,
valid for `KEY_DAYS`, and removes those of earlier starts that have expired. Keys that were printed
earlier go on working until then.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files

import msgspec

from habitue.edges.demo.cart import APPLICATION
from habitue.edges.key_secrets import new_secret
from habitue.edges.shop_files import read_files
from habitue.model.errors import Refusal
from habitue.model.keys import KeyKind
from habitue.promotions.campaign import Application
from habitue.promotions.configuration import Configuration
from habitue.usecases.apply import Plan, WantedShop, apply
from habitue.usecases.configure.keys import create_key, list_keys, revoke_key
from habitue.usecases.shop import Shop

KEY_NAME = "demo"
KEY_DAYS = 30


class Seed(msgspec.Struct, frozen=True):
    """What there is to try: `words` say what became of the shop, the keys open its doors."""

    words: str
    integration_key: str
    management_key: str


async def seeded(shop: Shop) -> Seed:
    """The demo shop, made where it is missing. Raises `Refusal` in somebody else's database."""
    now = datetime.now(UTC)
    _refuse_other_shops(await shop.refresh())
    plan = await apply(shop, wanted_shop(), now, dry_run=False)
    application = _application(shop.configuration)
    await _remove_expired(shop, now)
    integration = await _new_key(shop, application.id, now)
    management = await _new_key(shop, None, now)
    return Seed(_words(plan), integration, management)


def wanted_shop() -> WantedShop:
    """The shop that `shop.yaml` describes."""
    with as_file(files("habitue.edges.demo") / "shop.yaml") as path:
        return read_files([path]).wanted


def _refuse_other_shops(configuration: Configuration) -> None:
    names = [each.name for each in configuration.applications.values()]
    if names and APPLICATION not in names:
        raise Refusal(
            f"There is a shop in this database already ({', '.join(names)}), and the demo would "
            "change it: name another place with --data-dir or --database-url"
        )


def _words(plan: Plan) -> str:
    if all(step.action == "unchanged" for step in plan.steps):
        return "is here already; nothing was changed"
    kinds = Counter(step.kind for step in plan.steps)
    counts = (f"{kinds[kind]} {kind}s" for kind in ("campaign", "coupon", "customer"))
    return f"is ready: {', '.join(counts)}"


def _application(configuration: Configuration) -> Application:
    return next(each for each in configuration.applications.values() if each.name == APPLICATION)


async def _new_key(shop: Shop, application_id: int | None, now: datetime) -> str:
    kind: KeyKind = "management" if application_id is None else "integration"
    secret = new_secret(kind, KEY_NAME)
    expires = now + timedelta(days=KEY_DAYS)
    await create_key(shop, secret.kept, kind, KEY_NAME, application_id, expires, now)
    return secret.shown


async def _remove_expired(shop: Shop, now: datetime) -> None:
    for key in list_keys(shop.configuration):
        if key.name == KEY_NAME and key.expires <= now:
            await revoke_key(shop, key.id)
