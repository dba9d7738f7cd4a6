"""One served shop per test file."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import fresh_database
from tests.serving import Shopfront, make_management_key, serving


@pytest.fixture(scope="module")
async def shop_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The URL of a database that the tests of one file share."""
    async with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="module")
async def front(shop_url: str) -> AsyncIterator[Shopfront]:
    """A served shop with one application; tests of a file share it and use ids of their own."""
    await make_management_key(shop_url)
    with serving(shop_url) as shopfront:
        shopfront.open_shop()
        yield shopfront
