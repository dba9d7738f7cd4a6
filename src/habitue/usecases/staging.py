"""What a staging key evaluates: the campaigns that run, and those that are staged to run.

A request with such a key is a dry run over these campaigns, so that a shop can try what it has
prepared with the very requests that its customers will cause. Nothing is stored
(contracts/talon_one/SEMANTICS.md section 1.1).
"""

from datetime import datetime

from habitue.usecases.shop import Shop


async def staged_campaigns(
    shop: Shop, application_id: int, store_integration_id: str | None, now: datetime
) -> list[int]:
    """The ids of the campaigns of the application that run, or would if they were not staged."""
    await shop.refresh()
    program = shop.program(application_id)
    store_id = program.lists.store_ids.get(store_integration_id or "")
    return sorted(
        each.id
        for each in program.campaigns.values()
        if each.runs(now, staged=True) and program.stores.run_in(each.id, store_id)
    )
