"""Every bound of the product in one place, with its reason.

A request beyond a bound is refused with the field named; it is never cut short silently. Sizes are
in bytes or counts as their names say.
"""

from decimal import Decimal

# contracts: a session holds at most 1000 lines and 10,000 units.
CART_LINES_MAX = 1_000
CART_UNITS_MAX = 10_000
COUPON_CODES_MAX = 100  # ours: one rule evaluation per code and campaign
CODE_LENGTH_MAX = 100
VARIANTS_MAX = 10  # ours: with more, few customers are left for each
LOYALTY_CARDS_MAX = 1
IDENTIFIERS_MAX = 5
INTEGRATION_ID_LENGTH_MAX = 1_000
PROFILES_PER_REQUEST_MAX = 1_000
AUDIENCE_CHANGES_MAX = 1_000
INVENTORY_COUPONS_MAX = 1_000  # ours: more coupons than that nobody looks through
IDEMPOTENCY_KEY_LENGTH_MAX = 255
IDEMPOTENCY_HOURS = 24

# ours: a full cart of 1000 lines with attributes is about 0.5 MB.
BODY_BYTES_MAX = 4 * 1024 * 1024
# ours: deep enough for any cart and any sane rule, far from the interpreter's own limit.
BODY_NESTING_MAX = 100

# ours: amounts are exact decimals; these bounds keep every product and sum exact within
# `model.numbers.EXACT`.
AMOUNT_MAX = Decimal(10) ** 15
AMOUNT_DECIMALS_MAX = 12
ATTRIBUTES_MAX = 200
ATTRIBUTE_STRING_LENGTH_MAX = 10_000
ATTRIBUTE_LIST_LENGTH_MAX = 1_000

# Rules. A ruleset is refused when saved beyond the first four; the last three stop an evaluation.
RULES_PER_RULESET_MAX = 200
BINDINGS_PER_RULESET_MAX = 200
EXPRESSION_NODES_MAX = 5_000
EXPRESSION_DEPTH_MAX = 50
COLLECTION_ITEMS_MAX = 500_000
COLLECTION_ITEM_LENGTH_MAX = 1_000
ALLOWED_ITEMS_MAX = 500_000  # contracts: values in the allowed list of an attribute
LINKED_STORES_MAX = 50
STORES_PER_CAMPAIGN_MAX = 20_000  # ours, for files: more than any chain has in one country
EVALUATION_STEPS_MAX = 5_000_000
RULE_STEPS_MAX = 500_000
TEXT_LENGTH_MAX = 100_000

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1_000
COUPONS_PER_REQUEST_MAX = 20_000
COUPON_USAGE_LIMIT_MAX = 999_999
TAGS_MAX = 50

# Configuration. The first two are ours: what fits on a page of the console.
NAME_LENGTH_MAX = 255
DESCRIPTION_LENGTH_MAX = 10_000
TAG_LENGTH_MAX = 50
SUGGESTIONS_MAX = 50
LIMITS_MAX = 20  # ours
VALID_CHARACTERS_MAX = 200  # ours
COUPON_PATTERN_LENGTH_MIN = 3
COUPON_PATTERN_LENGTH_MAX = 100
REFERRAL_CODE_LENGTH_MIN = 4  # contracts: as published
COUPON_RECIPIENTS_MAX = 1_000
PASSWORD_LENGTH_MIN = 8  # ours
PASSWORD_LENGTH_MAX = 1_000  # ours: what is hashed for nobody costs no more than that
SIGN_INS_PER_SECOND_MAX = 6  # contracts: for all users together
PERMISSION_SETS_MAX = 500  # contracts
PERMISSIONS_MAX = 1_000  # contracts: of one permission set
KEY_VALIDITY_DAYS_DEFAULT = 3_650  # ours

# Identifiers. One bound for all, so that an id which one door accepts is accepted at every door.
IDENTIFIER_LENGTH_MAX = INTEGRATION_ID_LENGTH_MAX
SOFT_LINK_NAME_LENGTH_MAX = 100  # ours: a name, like a field's
EMAIL_LENGTH_MAX = 254  # the longest address that mail can be sent to (RFC 5321)
PHONE_LENGTH_MAX = 40  # characters as written: 15 digits with all their separators
PHONE_DIGITS_MAX = 15  # E.164
# Shorter numbers are extensions and typing errors; two islands' mobiles have 7 digits.
PHONE_DIGITS_MIN = 8

# Customer cards. Ours: far more than any person has, few enough for one claim each.
PROFILES_PER_REGISTRATION_MAX = 20
IDENTIFIERS_PER_PROFILE_MAX = 50
CHANNELS_PER_PROFILE_MAX = 50
CHANNEL_VALUE_LENGTH_MAX = 4_000  # tokens of push services are the longest
CHANNEL_DETAILS_BYTES_MAX = 10_000  # `meta` and `attributes`, each as JSON

# Reading customers. Ours: a search is for a person who is looked for by name or number.
SEARCH_TEXT_LENGTH_MAX = 1_000
SEARCH_MATCHES_MAX = 1_000
# contracts/capillary: pages of a search, ids of a bulk read, requests approved at once.
SEARCH_PAGE_SIZE_MAX = 100
HISTORY_PAGE_SIZE_MAX = 100  # ours, as for searches
CUSTOMERS_PER_REQUEST_MAX = 100
MERGE_REQUESTS_PER_CALL_MAX = 10
SUBSCRIPTIONS_PER_REQUEST_MAX = 100  # ours
REASON_LENGTH_MAX = 1_000  # ours

# Loyalty. Ours: tiers fit on a page; a money amount has no more decimals than six.
TIERS_MAX = 50
POINTS_DECIMALS_MAX = 6
SUBLEDGER_LENGTH_MAX = 64  # contracts: as in the entries of the ledger
POINTS_NAME_LENGTH_MAX = 255  # contracts: as in the entries of the ledger
TRANSACTIONS_PER_ACTIVATION_MAX = 50
# contracts: identifiers of cards, and how many are made or imported at once.
CARD_IDENTIFIER_LENGTH_MIN = 4
CARD_IDENTIFIER_LENGTH_MAX = 108
CARDS_PER_BATCH_MAX = 20_000
BATCH_ID_LENGTH_MIN = 4
BATCH_ID_LENGTH_MAX = 20
BLOCK_REASON_LENGTH_MAX = 255  # ours
PROFILES_PER_CARD_REQUEST_MAX = 100  # ours
STATISTICS_DAYS_MAX = 1_000  # ours

# Files. contracts: the size that is recommended; lines of an import of cards. The others are ours:
# a report that people read, and a line that no table has.
UPLOAD_BYTES_MAX = 500 * 1024 * 1024
IMPORT_ROWS_MAX = 5_000_000
CARD_IMPORT_ROWS_MAX = 499_999
FILE_FAULTS_MAX = 100
FILE_LINE_LENGTH_MAX = 1_000_000

# The tracker. contracts/tracker: a stock id; ids of items and orders; quantities and list sizes.
STOCK_LENGTH_MAX = 50
ITEM_ID_LENGTH_MAX = 255
ITEM_QUANTITY_MAX = 1_000
ITEMS_PER_EVENT_MAX = 1_000
# Ours: the script sends ten messages at a time, an outbox after a day offline some hundreds.
MESSAGES_PER_REQUEST_MAX = 1_000
EVENT_FIELDS_MAX = 50
EVENT_TEXT_LENGTH_MAX = 1_000
EVENT_AGE_DAYS_MAX = 30
CUSTOM_VALUES_MAX = 200
TRACKER_SECRET_LENGTH_MIN = 16

COUPONS_PER_JOB_MAX = 5_000_000  # contracts: coupons that are made beside requests
WEBHOOK_URL_LENGTH_MAX = 2048
WEBHOOK_PAYLOAD_LENGTH_MAX = 65_536
WEBHOOK_HEADERS_MAX = 50
WEBHOOK_PARAMETERS_MAX = 50

#: How long points may be kept for a checkout that pays, and how long they are unless it says.
HOLD_SECONDS_MAX = 604_800
HOLD_SECONDS_DEFAULT = 900

# Catalogs. contracts: actions of one synchronisation, adjustments of one action. The others are
# ours.
CATALOG_ACTIONS_MAX = 1_000
ADJUSTMENTS_PER_ACTION_MAX = 100
ADJUSTMENTS_PER_ITEM_MAX = 1_000
SKU_LENGTH_MAX = 1_000
PRICE_EXCLUSIONS_MAX = 1_000  # contracts: of one request
PRIOR_PRICE_SKUS_MAX = 1_000  # ours
PRIOR_PRICE_DAYS_MAX = 3_650  # ours
PRIOR_PRICE_YEAR_MIN = 1_000  # ours: days can be counted back from there
FILTER_EXPRESSIONS_MAX = 100  # ours: of one cart item filter
