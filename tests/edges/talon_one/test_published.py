"""What the vendor publishes of the Management API and is not served here, to the last operation."""

import re

from talon_one import ManagementApi

from habitue.edges.operations import all_operations

#: Accounts are provisioned by nobody here, mails are not sent, and experiments, templates and
#: access groups of campaigns do not exist.
NOT_SERVED = {
    *("create_campaign_from_template", "get_campaign_templates"),
    *("get_campaign_group", "get_campaign_groups"),
    *("create_invite_email", "create_password_recovery_email", "reset_password"),
    *("get_account", "get_exports", "get_application_api_health", "generate_coupon_rejections"),
    *("get_customer_activity_reports_without_total_count", "invite_user_external"),
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
