"""How many coupons and referral codes the whole account has, counted when somebody asks."""

from datetime import datetime

from habitue.store.code_figures import AllCodeFigures, code_figures
from habitue.usecases.shop import Shop


async def read_code_figures(shop: Shop, now: datetime) -> AllCodeFigures:
    """Codes of all Applications: how many there are, how many are valid and how many over."""
    return await code_figures(shop.database, now)
