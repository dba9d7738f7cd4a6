"""Evaluating the campaigns of an application over one cart.

Order: campaigns as the application's campaign set has them, by age where it has none; in each
campaign its rules in order, each rule's conditions and then its effects
(contracts/talon_one/SEMANTICS.md section 4.2). How a rule is tried is told in
`habitue.promotions.trying`, how groups of campaigns are judged in `habitue.promotions.judging`.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import localcontext

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.numbers import EXACT
from habitue.promotions.books import NO_BOOKS, Books
from habitue.promotions.campaign import Feature
from habitue.promotions.candidates import Candidate
from habitue.promotions.cascade import Cascade
from habitue.promotions.code_attributes import CodeAttribute, code_attribute, settled
from habitue.promotions.compiled import CompiledCampaign
from habitue.promotions.coupon_book import CouponBook
from habitue.promotions.effects import Effect
from habitue.promotions.evaluation import AttributeChange, Evaluation
from habitue.promotions.event import EventFacts
from habitue.promotions.experiments import VariantAllocation, subject_of, variants_of
from habitue.promotions.facts import ProfileFacts, SessionFacts
from habitue.promotions.issuing import Issuing
from habitue.promotions.judging import judge
from habitue.promotions.program import Program
from habitue.promotions.resources import ResourceChanges, Resources
from habitue.promotions.tally import Tally
from habitue.promotions.trace import CampaignTrace, RuleFailure
from habitue.promotions.tracing import Tracer
from habitue.promotions.trying import Run

NO_RESOURCES = Resources()


class Purpose(msgspec.Struct, frozen=True):
    """Why the rules are run. `campaign_ids` restricts a dry run to those, whatever their state.

    With a `feature` only campaigns that have it are asked. `failures` asks for the rules that did
    not apply, `trace` for the whole story. `complete` judges every campaign, whatever the modes of
    the groups are.
    """

    dry: bool = False
    campaign_ids: frozenset[int] | None = None
    failures: bool = False
    trace: bool = False
    feature: Feature | None = None
    complete: bool = False

    @property
    def explains(self) -> bool:
        return self.failures or self.trace


class Evaluated(msgspec.Struct, frozen=True):
    """What the rules gave, in order."""

    effects: tuple[Effect, ...]
    attribute_changes: tuple[AttributeChange, ...]
    triggered_campaign_ids: tuple[int, ...]
    resource_changes: ResourceChanges = ResourceChanges()
    failures: tuple[RuleFailure, ...] = ()
    trace: tuple[CampaignTrace, ...] = ()


def evaluate(
    program: Program,
    purpose: Purpose,
    session: SessionFacts | None,
    profile: ProfileFacts | None,
    book: CouponBook,
    now: datetime,
    resources: Resources = NO_RESOURCES,
    tally: Tally | None = None,
    event: EventFacts | None = None,
    books: Books = NO_BOOKS,
    issuing: Issuing | None = None,
) -> Evaluated:
    """Runs the rules of every campaign that may apply; `book` learns what became of the coupons,
    `tally` what was taken of budgets, `books` what of all else that the customer has, and `issuing`
    what is made and given away."""
    frame = Evaluation(
        now,
        program.zone,
        session,
        profile,
        program.additional_cost_ids,
        program.writable,
        resources,
        program.audience_names,
        program.webhooks,
        tally,
        event,
        books,
        issuing,
    )
    _prepare(frame, program)
    frame.store = event.store if event is not None and event.store else None
    if frame.store is None and session is not None:
        frame.store = session.store_integration_id
    tracer = Tracer(program.dialect, frame) if purpose.explains else None
    run = Run(frame, book, program.fact_definitions.coupon, tracer)
    with localcontext(EXACT):
        candidates = _candidates(program, purpose, frame, book, now)
        _run(run, program, candidates, complete=purpose.complete)
    return Evaluated(
        effects=of_experiments(program, frame.effects),
        attribute_changes=tuple(frame.attribute_changes),
        triggered_campaign_ids=tuple(dict.fromkeys(run.triggered)),
        resource_changes=ResourceChanges(
            audiences=frame.memberships.changes(), codes=code_changes(frame.attribute_changes)
        ),
        failures=tuple(tracer.failures) if tracer else (),
        trace=_trace(program, purpose, tracer, now) if tracer else (),
    )


def evaluate_candidates(
    program: Program,
    candidates: list[Candidate],
    session: SessionFacts,
    profile: ProfileFacts,
    book: CouponBook,
    now: datetime,
) -> list[Effect]:
    """The effects of those rules over a cart that is nobody's, in which nothing can be taken."""
    names = program.audience_names
    frame = Evaluation(
        now,
        program.zone,
        session,
        profile,
        program.additional_cost_ids,
        program.writable,
        NO_RESOURCES,
        names,
        program.webhooks,
    )
    _prepare(frame, program)
    run = Run(frame, book, program.fact_definitions.coupon, None)
    with localcontext(EXACT):
        _run(run, program, candidates, complete=False)
    return frame.effects


def _prepare(frame: Evaluation, program: Program) -> None:
    application = program.application
    frame.lists, frame.filters = program.lists, program.filters
    frame.partial = application.enable_partial_discounts
    if application.enable_cascading_discounts and frame.session is not None:
        _let_cascade(frame, frame.session, program)


def _run(run: Run, program: Program, candidates: list[Candidate], *, complete: bool) -> None:
    if program.placement is None:
        for campaign, rule in candidates:
            run.rule(campaign, rule)
    else:
        judge(run, program.placement, candidates, complete)


def of_experiments(program: Program, effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """The effects, with the experiments that their campaigns run."""
    if not program.experiments:
        return tuple(effects)
    ids = {campaign_id: each.id for campaign_id, each in program.experiments.items()}
    return tuple(
        msgspec.structs.replace(each, experiment_id=ids[each.campaign_id])
        if each.campaign_id in ids
        else each
        for each in effects
    )


def code_changes(changes: Iterable[AttributeChange]) -> tuple[CodeAttribute, ...]:
    """What is to be stored of coupons and referral codes."""
    return settled(
        code_attribute(each.entity, each.code, each.name, each.value)
        for each in changes
        if each.code is not None
    )


def profile_changes(changes: Iterable[AttributeChange]) -> Attributes:
    """What is to be stored of the customer."""
    return {each.name: each.value for each in changes if each.entity == "CustomerProfile"}


def _let_cascade(frame: Evaluation, session: SessionFacts, program: Program) -> None:
    application = program.application
    frame.cascade = Cascade(
        session, application.default_discount_scope, application.default_item_discount_scope
    )
    frame.tentatives = (*frame.tentatives, frame.cascade)


def _trace(
    program: Program, purpose: Purpose, tracer: Tracer, now: datetime
) -> tuple[CampaignTrace, ...]:
    compiled = program.compiled_campaigns(purpose.campaign_ids)
    if purpose.campaign_ids is not None:
        return tracer.campaigns(compiled, [], now)
    running = [each for each in compiled if each.campaign.runs(now)]
    idle = [each.campaign for each in compiled if not each.campaign.runs(now)]
    return tracer.campaigns(running, [*idle, *program.idle_campaigns()], now)


def _candidates(
    program: Program, purpose: Purpose, frame: Evaluation, book: CouponBook, now: datetime
) -> list[Candidate]:
    found = _possible(program, purpose, frame, book, now)
    if not program.experiments:
        return found
    chosen = variants_of(program.experiments, *_allocated(frame))
    return [each for each in found if each[1].variant_id in (0, chosen.get(each[0].campaign.id))]


def _allocated(frame: Evaluation) -> tuple[tuple[VariantAllocation, ...], str]:
    """What is known of the variants of whom the rules are run for, and who that is."""
    profile_id = frame.profile.integration_id if frame.profile is not None else ""
    if frame.session is None:
        return (), subject_of(profile_id)
    return frame.session.variant_allocations, subject_of(profile_id, frame.session.integration_id)


def _possible(
    program: Program, purpose: Purpose, frame: Evaluation, book: CouponBook, now: datetime
) -> list[Candidate]:
    if purpose.campaign_ids is not None:
        return _all_rules(program.compiled_campaigns(purpose.campaign_ids))
    if purpose.explains:
        found = _all_rules(program.compiled_campaigns())
    else:
        found = program.candidates.of(frame, book.campaign_ids(), _referral_campaign(frame))
    running = [each for each in found if each[0].campaign.runs(now)]
    stores, feature = program.stores, purpose.feature
    if stores.linked:
        store_id = program.lists.store_ids.get(frame.store or "")
        running = [each for each in running if stores.run_in(each[0].campaign.id, store_id)]
    if feature is not None:
        running = [each for each in running if feature in each[0].campaign.features]
    return running


def _referral_campaign(frame: Evaluation) -> int:
    book = frame.issuing.referral if frame.issuing else None
    return book.referral.campaign_id if book and book.referral else 0


def _all_rules(campaigns: list[CompiledCampaign]) -> list[Candidate]:
    return [(campaign, rule) for campaign in campaigns for rule in campaign.rules]
