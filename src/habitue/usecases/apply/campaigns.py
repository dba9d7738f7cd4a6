"""The part of a plan that is about one campaign: its fields, its rules and its coupons."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from habitue.model.documents import encode
from habitue.model.errors import Fault, InvalidInput
from habitue.promotions.campaign import Campaign, StoredRuleset
from habitue.promotions.codes import PLACEHOLDER
from habitue.promotions.coupon import Coupon
from habitue.rules.ruleset import Ruleset
from habitue.usecases.apply.plan import Draft, differences
from habitue.usecases.apply.wanted import WantedCampaign, WantedCoupon
from habitue.usecases.configure.campaigns import changed_campaign, new_campaign
from habitue.usecases.configure.checks import refuse_if_any
from habitue.usecases.configure.coupon_checks import (
    CouponFields,
    CouponOrder,
    CouponPlace,
    change_faults,
    order_faults,
)
from habitue.usecases.configure.coupons import coupon_with
from habitue.usecases.configure.rule_checks import rules_of
from habitue.usecases.configure.rulesets import checked_ruleset, document_of


def plan_campaign(
    draft: Draft,
    application_id: int,
    application_name: str,
    wanted: WantedCampaign,
    coupons: Mapping[tuple[int, str], Coupon],
    now: datetime,
) -> None:
    """Plans one campaign; `coupons` are those that are stored, by application and code."""
    with draft.faults_under(wanted.at):
        old = _matched(draft, application_id, wanted.name)
        campaign = _campaign(draft, application_id, old, wanted, now)
        changed = differences(old or campaign, campaign)
        if old is None or changed:
            draft.put(campaign)
        rules_changed = _plan_rules(draft, campaign, wanted, now)
        name = f"{application_name} / {wanted.name}"
        told = (*changed, "rules") if rules_changed else changed
        draft.tell("campaign", name, told, new=old is None)
        for coupon in wanted.coupons:
            _plan_coupon(draft, campaign, coupon, coupons, now)


def _matched(draft: Draft, application_id: int, name: str) -> Campaign | None:
    campaigns = draft.configuration.campaigns_of(application_id)
    found = [campaign for campaign in campaigns if campaign.name == name]
    if len(found) > 1:
        details = f"{len(found)} campaigns of the Application have this name"
        raise InvalidInput(Fault("/name", "Ambiguous", details))
    return found[0] if found else None


def _campaign(
    draft: Draft,
    application_id: int,
    old: Campaign | None,
    wanted: WantedCampaign,
    now: datetime,
) -> Campaign:
    configuration, fields = draft.configuration, wanted.fields
    if old is None:
        id_ = draft.take_id("campaign")
        return new_campaign(configuration, id_, application_id, fields, now)
    # New rules are checked by themselves; the old ones matter only where they stay.
    stay = wanted.rules is None
    ruleset = configuration.rulesets.get(old.active_ruleset_id or 0) if stay else None
    return changed_campaign(configuration, old, fields, ruleset, now)


def _plan_rules(draft: Draft, campaign: Campaign, wanted: WantedCampaign, now: datetime) -> bool:
    """Whether the campaign gets other rules."""
    if wanted.rules is None:
        return False
    active = draft.configuration.rulesets.get(campaign.active_ruleset_id or 0)
    if active is not None and _same_rules(active, wanted.rules):
        checked_ruleset(draft.configuration, campaign, active.id, wanted.rules, now)
        return False
    id_ = draft.take_id("ruleset")
    ruleset = checked_ruleset(draft.configuration, campaign, id_, wanted.rules, now)
    draft.put(msgspec.structs.replace(ruleset, activated_at=now))
    draft.put(msgspec.structs.replace(campaign, active_ruleset_id=id_, updated=now))
    for warning in ruleset.warnings:
        fault = Fault(warning["pointer"], warning["title"], warning["details"])
        draft.warnings.append(fault.under(wanted.at))
    return True


def _same_rules(active: StoredRuleset, rules: Ruleset) -> bool:
    return encode(document_of(rules_of(active))) == encode(document_of(rules))


def _plan_coupon(
    draft: Draft,
    campaign: Campaign,
    wanted: WantedCoupon,
    coupons: Mapping[tuple[int, str], Coupon],
    now: datetime,
) -> None:
    configuration = draft.configuration
    application = configuration.application(campaign.application_id)
    code = application.code(wanted.code)
    old = coupons.get((application.id, code))
    with draft.faults_under(wanted.at):
        place = CouponPlace(configuration, application, campaign)
        if old is None:
            refuse_if_any(_code_faults(draft, campaign, code))
            refuse_if_any(map(_at_code, order_faults(place, _order(code, wanted.fields), 1)))
            blank = Coupon(0, application.id, campaign.id, code, now)
            draft.new_coupons.append(coupon_with(blank, wanted.fields))
            return draft.tell("coupon", code, (), new=True)
        if old.campaign_id != campaign.id:
            details = f'the code "{code}" belongs to another campaign'
            raise InvalidInput(Fault("/code", "Taken", details))
        refuse_if_any(change_faults(place, wanted.fields))
        new = coupon_with(old, wanted.fields)
        changed = differences(old, new)
        if changed:
            draft.changed_coupons.append(new)
        draft.tell("coupon", code, changed, new=False)
    return None


def _order(code: str, fields: CouponFields) -> CouponOrder:
    return CouponOrder(
        fields=fields, recipients=(fields.recipient_integration_id or "",), pattern=code
    )


def _code_faults(draft: Draft, campaign: Campaign, code: str) -> Iterator[Fault]:
    if PLACEHOLDER in code:
        yield Fault("/code", "Invalid code", "a code is written out, without #")
    for other in draft.new_coupons:
        if (other.application_id, other.code) == (campaign.application_id, code):
            yield Fault("/code", "Duplicate", f'the code "{code}" is wanted twice')


def _at_code(fault: Fault) -> Fault:
    if fault.pointer != "/couponPattern":
        return fault
    return Fault("/code", fault.title, fault.details)
