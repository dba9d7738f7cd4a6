"""Everything that is held on one person, as one JSON document, for the person to have.

It is what stands in the database at one moment, in the store's own names: nothing is summarised and
nothing is left out but the contents of stored answers, which repeat the rest.
"""

from habitue.customers.refusals import CustomerErased, CustomerNotFound
from habitue.store import privacy
from habitue.usecases.shop import Shop


async def export_customer(shop: Shop, customer_id: int) -> bytes:
    """The document of the person of that id, with every card that is joined in one.

    Raises `CustomerNotFound`, and `CustomerErased` where nothing is known any more.
    """
    held = await privacy.read_holdings(shop.database, customer_id)
    if held is None:
        raise CustomerNotFound(customer_id)
    if held.erased is not None:
        raise CustomerErased(customer_id)
    return held.document
