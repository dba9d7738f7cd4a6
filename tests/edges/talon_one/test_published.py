"""What is known of the vendor's Management API and is not served here, to the last operation.

Known is what it publishes, and what its early clients called (contracts/talon_one/MANAGEMENT.md
section B).
"""

import re

from talon_one import ManagementApi

from habitue.edges.operations import all_operations

#: Accounts are provisioned by nobody here, mails are not sent, and access groups of campaigns do
#: not exist.
NOT_SERVED = {
    *("get_campaign_group", "get_campaign_groups"),
    *("create_invite_email", "create_password_recovery_email", "reset_password"),
    "invite_user_external",
    *("okta_event_handler_challenge", "scim_get_resource_types", "scim_get_schemas"),
    *("scim_get_service_provider_config", "scim_create_user", "scim_delete_user"),
    *("scim_get_user", "scim_get_users", "scim_patch_user", "scim_replace_user_attributes"),
    *("scim_create_group", "scim_delete_group", "scim_get_group", "scim_get_groups"),
    *("scim_patch_group", "scim_replace_group_attributes"),
}
#: The client's ways of calling one operation, and its plumbing.
_WAYS = re.compile(r".*_with_http_info$|.*_without_preload_content$|_.*|api_client")


def snake_case(id_: str) -> str:
    """The name of an operation as the vendor's client spells it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", id_).lower()


def test_what_of_the_published_operations_is_not_served() -> None:
    published = {name for name in dir(ManagementApi) if not _WAYS.fullmatch(name)}
    served = {snake_case(each.id) for each in all_operations()}
    assert len(published) > 150
    assert published - served == NOT_SERVED


_APPLICATION = "/v1/applications/{}"
_RULESETS = f"{_APPLICATION}/campaigns/{{}}/rulesets"
#: Made, changed and read by early clients; a name in a path is any.
EARLY = {
    *(("POST", "/v1/applications"), ("PUT", _APPLICATION), ("DELETE", _APPLICATION)),
    *(("POST", f"{_APPLICATION}/campaigns"), ("PUT", f"{_APPLICATION}/campaigns/{{}}")),
    *(("POST", _RULESETS), ("PUT", f"{_RULESETS}/{{}}"), ("DELETE", f"{_RULESETS}/{{}}")),
    *(("POST", "/v1/loyalty_programs"), ("POST", "/v1/webhooks")),
    *(("PUT", "/v1/webhooks/{}"), ("DELETE", "/v1/webhooks/{}")),
    *(("POST", "/v1/event_types"), ("GET", "/v1/event_types/{}")),
    *(("DELETE", "/v1/event_types/{}"), ("GET", f"{_APPLICATION}/campaign_set")),
    *(("PUT", f"{_APPLICATION}/campaign_set"), ("GET", f"{_APPLICATION}/talang_environment")),
    *(("PUT", f"{_APPLICATION}/talang_templates/{{}}"), ("POST", f"{_APPLICATION}/apikeys")),
    *(("POST", "/v1/api_keys"), ("GET", "/v1/api_keys"), ("POST", "/v1/roles")),
    *(("POST", "/v1/invites"), ("POST", "/v1/exports")),
}
#: Templates of rules do not exist, and a file is exported where its rows are, not by an order.
EARLY_NOT_SERVED = {
    *(("PUT", f"{_APPLICATION}/talang_templates/{{}}"), ("POST", "/v1/exports")),
}


def test_what_of_the_early_operations_is_not_served() -> None:
    served = {(each.method, re.sub(r"{[^}]*}", "{}", each.path)) for each in all_operations()}
    assert EARLY - served == EARLY_NOT_SERVED
