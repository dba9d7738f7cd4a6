"""Profiles for staff: of the organisation, or of an application's environment."""

from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import ENCODER
from habitue.edges.http.operation import Answer, Operation
from habitue.edges.talon_one.integration.answers import (
    AudienceMembershipOut,
    CustomerProfileOut,
    profile_out,
)
from habitue.edges.talon_one.management.paging import (
    ListOut,
    PageWithoutTotal,
    ShortPageQuery,
    list_out,
)
from habitue.edges.talon_one.management.shared import Id, ManagementCall, managed
from habitue.edges.talon_one.pages import PageSize
from habitue.model.errors import NotFound
from habitue.model.limits import PAGE_SIZE_MAX, PROFILES_PER_REQUEST_MAX
from habitue.promotions.configuration import Configuration
from habitue.store.profile_lists import ProfileFilter
from habitue.usecases.list_profiles import ProfileReading, list_profiles, read_profile


class ProfilesQuery(ShortPageQuery, rename="camel", kw_only=True):
    """Which page of the profiles of an environment."""

    page_size: PageSize = PAGE_SIZE_MAX
    sandbox: bool = False


class ApplicationProfilesQuery(ShortPageQuery, rename="camel", kw_only=True):
    """Which page of the profiles that an application may see, and whether they are counted."""

    page_size: PageSize = PAGE_SIZE_MAX
    with_total_result_size: bool = False
    integration_id: str | None = None


class ProfileSearchIn(
    msgspec.Struct, rename={"integration_ids": "integrationIDs", "profile_ids": "profileIDs"}
):
    """What the profiles have in common: all that is given holds of each."""

    attributes: dict[str, Any] | None = None
    integration_ids: Annotated[list[str], Meta(max_length=PROFILES_PER_REQUEST_MAX)] | None = None
    profile_ids: Annotated[list[Id], Meta(max_length=PROFILES_PER_REQUEST_MAX)] | None = None

    def filter(self) -> ProfileFilter:
        """What to look for."""
        attributes = ENCODER.encode(self.attributes) if self.attributes else None
        return ProfileFilter(attributes, self.integration_ids, self.profile_ids)


async def get_profiles(call: ManagementCall[ProfilesQuery, None]) -> Answer:
    return await _listed(call, ProfileFilter())


async def search_profiles(call: ManagementCall[ProfilesQuery, ProfileSearchIn]) -> Answer:
    return await _listed(call, call.body.filter())


async def get_profile(call: ManagementCall[None, None]) -> Answer:
    shop = call.services.shop
    profile = await read_profile(shop, call.integer("customerId"), call.now)
    return Answer(200, reading_out(profile, shop.configuration))


async def get_application_profiles(
    call: ManagementCall[ApplicationProfilesQuery, None],
) -> Answer:
    wanted = call.query.integration_id
    return await _listed_of(call, ProfileFilter(profile_ids=None if wanted is None else [wanted]))


async def search_application_profiles(
    call: ManagementCall[ApplicationProfilesQuery, ProfileSearchIn],
) -> Answer:
    return await _listed_of(call, call.body.filter())


async def get_application_profile(call: ManagementCall[None, None]) -> Answer:
    return Answer(
        200, reading_out(await profile_of_application(call), call.services.shop.configuration)
    )


async def profile_of_application(call: ManagementCall[Any, Any]) -> ProfileReading:
    """The profile that the path names, in the environment of its application.

    Raises `NotFound`.
    """
    shop, id_ = call.services.shop, call.integer("customerId")
    application = shop.configuration.application(call.integer("applicationId"))
    profile = await read_profile(shop, id_, call.now)
    if profile.sandbox != application.sandbox:
        raise NotFound("Customer profile", id_)
    return profile


async def _listed(call: ManagementCall[ProfilesQuery, Any], wanted: ProfileFilter) -> Answer:
    query, shop = call.query, call.services.shop
    page = await list_profiles(
        shop, wanted, call.now, sandbox=query.sandbox, skip=query.skip, limit=query.page_size
    )
    shown = [reading_out(each, shop.configuration) for each in page.profiles]
    return Answer(200, PageWithoutTotal(page.has_more, shown))


async def _listed_of(
    call: ManagementCall[ApplicationProfilesQuery, Any], wanted: ProfileFilter
) -> Answer:
    query, shop = call.query, call.services.shop
    application = shop.configuration.application(call.integer("applicationId"))
    page = await list_profiles(
        shop,
        wanted,
        call.now,
        sandbox=application.sandbox,
        skip=query.skip,
        limit=query.page_size,
        counted=query.with_total_result_size,
    )
    shown = [reading_out(each, shop.configuration) for each in page.profiles]
    return Answer(200, list_out(shown, page.has_more, page.total))


def reading_out(profile: ProfileReading, configuration: Configuration) -> CustomerProfileOut:
    """The profile with all its audiences."""
    known = configuration.audiences
    memberships = [
        AudienceMembershipOut(id_, known[id_].name)
        for id_ in sorted(profile.audiences)
        if id_ in known
    ]
    return profile_out(profile.customer, profile.profile_id, memberships, sandbox=profile.sandbox)


def operations() -> list[Operation]:
    """The operations on profiles."""
    application = "/v1/applications/{applicationId:int}"
    operation = partial(managed, group="Customer profiles")
    return [
        operation(
            "getCustomerProfiles",
            "GET",
            "/v1/customers/no_total",
            get_profiles,
            "List customer profiles",
            {200: PageWithoutTotal[CustomerProfileOut]},
            query=ProfilesQuery,
        ),
        operation(
            "getCustomerProfile",
            "GET",
            "/v1/customers/{customerId:int}",
            get_profile,
            "Get a customer profile",
            {200: CustomerProfileOut},
        ),
        operation(
            "getCustomersByAttributes",
            "POST",
            "/v1/customer_search/no_total",
            search_profiles,
            "List customer profiles that have these attributes or ids",
            {200: PageWithoutTotal[CustomerProfileOut]},
            body=ProfileSearchIn,
            query=ProfilesQuery,
        ),
        operation(
            "getApplicationCustomers",
            "GET",
            f"{application}/customers",
            get_application_profiles,
            "List the customers of an Application",
            {200: ListOut[CustomerProfileOut]},
            query=ApplicationProfilesQuery,
        ),
        operation(
            "getApplicationCustomer",
            "GET",
            f"{application}/customers/{{customerId:int}}",
            get_application_profile,
            "Get a customer of an Application",
            {200: CustomerProfileOut},
        ),
        operation(
            "getApplicationCustomersByAttributes",
            "POST",
            f"{application}/customer_search",
            search_application_profiles,
            "List customers of an Application that have these attributes or ids",
            {200: ListOut[CustomerProfileOut]},
            body=ProfileSearchIn,
            query=ApplicationProfilesQuery,
        ),
    ]
