"""What there is in the whole account, in figures: counted when it is asked for."""

from datetime import datetime

import msgspec

from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.management.shared import ACCOUNT_ID, ManagementCall, managed
from habitue.model.errors import NotFound
from habitue.promotions.configuration import Configuration
from habitue.store.code_figures import AllCodeFigures
from habitue.usecases.read_code_figures import read_code_figures


class AccountAnalyticsOut(msgspec.Struct, rename="camel", kw_only=True):
    """The figures. *Live* is what is no sandbox; an *active* campaign runs at this moment, and an
    active rule is one of such a campaign."""

    applications: int
    live_applications: int
    sandbox_applications: int
    campaigns: int
    active_campaigns: int
    live_active_campaigns: int
    coupons: int
    active_coupons: int
    expired_coupons: int
    referral_codes: int
    active_referral_codes: int
    expired_referral_codes: int
    active_rules: int
    users: int
    roles: int
    custom_attributes: int
    webhooks: int
    loyalty_programs: int
    live_loyalty_programs: int
    last_updated_at: datetime


async def get_analytics(call: ManagementCall[None, None]) -> Answer:
    account_id, shop = call.integer("accountId"), call.services.shop
    if account_id != ACCOUNT_ID:
        raise NotFound("Account", account_id)
    codes = await read_code_figures(shop, call.now)
    return Answer(200, _out(shop.configuration, codes, call.now))


def _out(configuration: Configuration, codes: AllCodeFigures, now: datetime) -> AccountAnalyticsOut:
    live = {id_ for id_, each in configuration.applications.items() if not each.sandbox}
    running = [each for each in configuration.campaigns.values() if each.runs(now)]
    rulesets = (configuration.rulesets.get(each.active_ruleset_id or 0) for each in running)
    programs = configuration.loyalty_programs.values()
    return AccountAnalyticsOut(
        applications=len(configuration.applications),
        live_applications=len(live),
        sandbox_applications=len(configuration.applications) - len(live),
        campaigns=len(configuration.campaigns),
        active_campaigns=len(running),
        live_active_campaigns=sum(each.application_id in live for each in running),
        coupons=codes.coupons.all,
        active_coupons=codes.coupons.active,
        expired_coupons=codes.coupons.expired,
        referral_codes=codes.referrals.all,
        active_referral_codes=codes.referrals.active,
        expired_referral_codes=codes.referrals.expired,
        active_rules=sum(len(each.document["rules"]) for each in rulesets if each is not None),
        users=len(configuration.users),
        roles=len(configuration.roles),
        custom_attributes=sum(not each.builtin for each in configuration.attributes.values()),
        webhooks=len(configuration.webhooks),
        loyalty_programs=len(programs),
        live_loyalty_programs=sum(not each.sandbox for each in programs),
        last_updated_at=now,
    )


class AccountOut(msgspec.Struct, rename="camel", kw_only=True):
    """The account. Nobody is billed, and no domain is the account's: both are empty. A company has
    a name to the vendor's client, so it has the product's."""

    id: int
    created: datetime
    modified: datetime
    company_name: str
    domain_name: str
    state: str
    billing_email: str
    application_count: int
    user_count: int
    campaigns_active_count: int
    campaigns_inactive_count: int


async def get_account(call: ManagementCall[None, None]) -> Answer:
    account_id, configuration = call.integer("accountId"), call.services.shop.configuration
    if account_id != ACCOUNT_ID:
        raise NotFound("Account", account_id)
    applications = configuration.applications.values()
    running = sum(each.runs(call.now) for each in configuration.campaigns.values())
    shown = AccountOut(
        id=ACCOUNT_ID,
        created=min((each.created for each in applications), default=call.now),
        modified=max((each.modified for each in applications), default=call.now),
        company_name="Habitue",
        domain_name="",
        state="active",
        billing_email="",
        application_count=len(applications),
        user_count=len(configuration.users),
        campaigns_active_count=running,
        campaigns_inactive_count=len(configuration.campaigns) - running,
    )
    return Answer(200, shown)


def operations() -> list[Operation]:
    """The operation on the account."""
    return [
        managed(
            "getAccount",
            "GET",
            "/v1/accounts/{accountId:int}",
            get_account,
            "Get the account",
            {200: AccountOut},
            group="Accounts and users",
        ),
        managed(
            "getAccountAnalytics",
            "GET",
            "/v1/accounts/{accountId:int}/analytics",
            get_analytics,
            "Get account analytics",
            {200: AccountAnalyticsOut},
            group="Accounts and users",
        ),
    ]
