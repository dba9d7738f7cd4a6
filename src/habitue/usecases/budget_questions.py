"""What a request asks of budgets, and what it is told.

Budgets are asked for by the names under which the limits of the running campaigns count at the
moment; which of their budgets the request can need (which coupons, stores and identifiers) the
database knows better, for the stored session may say it.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from habitue.model.documents import decoder_of, encode
from habitue.promotions.budgets import Budgets, Counted, is_shared, limit_name
from habitue.promotions.campaign import Limit
from habitue.promotions.program import Program
from habitue.promotions.resources import Asking

_BUDGETS = decoder_of(Budgets)
_COUNTED = decoder_of(tuple[Counted, ...])


class BudgetName(msgspec.Struct, frozen=True):
    """A limit of a campaign as it counts at the moment; `session` ones count a session alone."""

    campaign_id: int
    name: str
    session: bool


class BudgetQuestion(msgspec.Struct, frozen=True):
    """What `read_resource_budgets` takes; what is None is as the stored session has it.

    `addressed` says that some shared ones are not of their whole campaign.
    """

    application_id: int
    shared: tuple[BudgetName, ...]
    own: tuple[BudgetName, ...]
    addressed: bool
    gives_back: bool
    coupon_codes: tuple[str, ...] | None
    identifiers: tuple[str, ...] | None
    store_integration_id: str | None
    referral_code: str | None
    spelling: str


def ask_budgets(program: Program, asking: Asking) -> BudgetQuestion | None:
    """The question about budgets; None where no running campaign has any."""
    limits = tuple(_limits(program, asking))
    if not limits and not asking.gives_back:
        return None
    shared = [(id_, each) for id_, each in limits if is_shared(each)]
    own = [(id_, each) for id_, each in limits if not is_shared(each)]
    codes, identifiers, store = (
        asking.coupon_codes,
        asking.identifiers,
        asking.store_integration_id,
    )
    if asking.dry:
        # a dry run sees nothing of the stored session
        codes, identifiers, store = codes or (), identifiers or (), store or ""
    return BudgetQuestion(
        application_id=program.application.id,
        shared=_names(shared, program, asking),
        own=_names(own, program, asking),
        addressed=any(limit.entities for _, limit in shared),
        gives_back=asking.gives_back,
        coupon_codes=None if codes is None else tuple(map(program.application.code, codes)),
        identifiers=identifiers,
        store_integration_id=store,
        referral_code="" if asking.dry and asking.referral_code is None else asking.referral_code,
        spelling=program.application.case_sensitivity,
    )


def ask_campaign_budgets(program: Program, asking: Asking) -> bytes | None:
    """The question about budgets where it is about those of whole campaigns alone, which is the
    same for all requests; None where there are none, or others too."""
    limits = tuple(_limits(program, asking))
    if not limits or asking.gives_back or any(limit.entities for _, limit in limits):
        return None
    return encode(_names(limits, program, asking))


@lru_cache(maxsize=32)
def read_campaign_budgets(answer: bytes) -> Budgets:
    """What was counted of them; requests that are read together have the same answer."""
    return Budgets(shared=_COUNTED.decode(answer))


def read_budgets(answer: bytes, program: Program) -> Budgets:
    """What was read, as a value."""
    return _BUDGETS.decode(answer)


def _limits(program: Program, asking: Asking) -> Iterable[tuple[int, Limit]]:
    only = asking.campaign_ids
    for campaign_id, limits in program.stores.limits_asked.items():
        runs = program.campaigns[campaign_id].runs(asking.now)
        if runs if only is None else campaign_id in only:
            for limit in limits:
                yield campaign_id, limit


def _names(
    limits: Iterable[tuple[int, Limit]], program: Program, asking: Asking
) -> tuple[BudgetName, ...]:
    return tuple(
        BudgetName(id_, limit_name(each, asking.now, program.zone), "Session" in each.entities)
        for id_, each in limits
    )
