"""One served shop, which all operations are called on."""

from tests.integration.conftest import front, shop_url

__all__ = ["front", "shop_url"]
