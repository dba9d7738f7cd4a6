"""What can be refused about customers, as business facts.

Each protocol's edge gives these its own codes and words, in one table. The tree:

    Refusal
    ├── InvalidInput
    │   ├── SourceMissing             a profile names no source
    │   ├── SourceUnknown             a source that does not exist
    │   ├── AccountMissing            the source has accounts and none was named
    │   ├── AccountUnknown            the shop has no such account
    │   ├── IdentifiersMissing        nothing to recognise the person by
    │   ├── PrimaryInvalid            the identifier that decides is not valid
    │   ├── RegistrationDateInvalid   a date of enrolment outside the allowed window
    │   ├── ChannelInvalid            a channel that the source does not have
    │   ├── LabelUnknown              a status label that the shop does not have
    │   ├── IdentifierFixed           identifiers of that kind are not to be changed
    │   └── LoyaltyTypeFixed          a loyalty customer stays one
    ├── NotFound
    │   └── CustomerNotFound
    └── Conflict
        ├── CustomerExists            the source account has this person already
        ├── SourceTaken               the person has another profile in this source account
        ├── PrimaryMismatch           a secondary identifier is another person's
        ├── IdentifiersConflict       identifiers of one request belong to several others
        ├── ProfileMissing            a profile elsewhere is a condition, and there is none
        ├── CustomerMerged            the card was joined into another one
        ├── CustomerErased            the person's details were removed
        ├── CustomerBlocked           the customer's status forbids it
        └── CustomerBusy              other requests hold this customer for too long
"""

from habitue.model.errors import Conflict, Fault, InvalidInput, NotFound


class Named(InvalidInput):
    """An `InvalidInput` about one field, which is named in its only fault."""

    def __init__(self, pointer: str, title: str, details: str) -> None:
        super().__init__(Fault(pointer, title, details), message=details)


class SourceMissing(Named):
    """A profile names no source."""

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer, "Missing", "a source is required")


class SourceUnknown(Named):
    """A source that does not exist."""

    def __init__(self, pointer: str, source: str) -> None:
        super().__init__(pointer, "Unknown", f'there is no source "{source[:80]}"')


class AccountMissing(Named):
    """The source has accounts, and none was named."""

    def __init__(self, pointer: str, source: str) -> None:
        super().__init__(pointer, "Missing", f"an account is required for {source}")


class AccountUnknown(Named):
    """The shop has no such account in the source."""

    def __init__(self, pointer: str, source: str, account_id: str) -> None:
        details = f'there is no account "{account_id[:80]}" in {source}'
        super().__init__(pointer, "Unknown", details)


class IdentifiersMissing(Named):
    """Nothing to recognise the person by is left."""

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer, "Missing", "no valid identifier was given")


class PrimaryInvalid(Named):
    """The identifier that decides is not valid."""

    def __init__(self, pointer: str, value: str) -> None:
        super().__init__(pointer, "Invalid", f"the primary identifier {value[:80]} is not valid")
        self.value = value


class RegistrationDateInvalid(Named):
    """A date of enrolment that is no date, or lies outside the allowed window."""

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer, "Out of range", "the registration date is not allowed")


class ChannelInvalid(Named):
    """A channel that the source does not have; `channel` is empty where its type is missing."""

    def __init__(self, pointer: str, channel: str) -> None:
        super().__init__(pointer, "Unknown", f'there is no channel "{channel[:80]}" here')
        self.channel = channel


class LabelUnknown(Named):
    """A status label that the shop does not have."""

    def __init__(self, pointer: str, label: str) -> None:
        super().__init__(pointer, "Unknown", f'there is no label "{label[:80]}"')


class LoyaltyTypeFixed(Named):
    """A loyalty customer does not become a customer without loyalty."""

    def __init__(self, pointer: str) -> None:
        super().__init__(pointer, "Fixed", "a loyalty customer cannot become a non-loyalty one")


class IdentifierFixed(Named):
    """The shop does not have identifiers of that kind changed."""

    def __init__(self, pointer: str, kind: str) -> None:
        super().__init__(pointer, "Fixed", f"identifiers of the kind {kind} cannot be changed")
        self.kind = kind


class CustomerNotFound(NotFound):
    """Nobody has that id, or that identifier."""

    def __init__(self, key: object) -> None:
        super().__init__("Customer", key)


class CustomerExists(Conflict):
    """The source account has this person already, under `customer_id`."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"Customer {customer_id} exists already in this source")
        self.customer_id = customer_id


class SourceTaken(Conflict):
    """The person who was recognised has another profile in this source account."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"Customer {customer_id} has another profile in this source")
        self.customer_id = customer_id


class PrimaryMismatch(Conflict):
    """A secondary identifier belongs to somebody whom the primary one does not name."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"An identifier belongs to customer {customer_id}, the primary does not")
        self.customer_id = customer_id


class IdentifiersConflict(Conflict):
    """Identifiers of one request belong to several other customers."""

    def __init__(self, customer_ids: tuple[int, ...]) -> None:
        listed = ", ".join(str(each) for each in customer_ids)
        super().__init__(f"The identifiers belong to customers {listed}")
        self.customer_ids = customer_ids


class ProfileMissing(Conflict):
    """A profile in another source is a condition, and there is none."""

    def __init__(self, source: str) -> None:
        super().__init__(f"There is no profile in {source}")
        self.source = source


class CustomerMerged(Conflict):
    """The card was joined into that of `survivor_id`."""

    def __init__(self, survivor_id: int) -> None:
        super().__init__(f"The customer was merged into {survivor_id}")
        self.survivor_id = survivor_id


class CustomerErased(Conflict):
    """The person's details were removed."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"The details of customer {customer_id} were removed")


class CustomerBlocked(Conflict):
    """The customer's status forbids it."""

    def __init__(self, label: str) -> None:
        super().__init__(f'The status "{label}" of the customer forbids this')
        self.label = label


class CustomerBusy(Conflict):
    """Other requests held the customer for longer than this one may wait."""

    def __init__(self) -> None:
        super().__init__("Too many requests are updating this customer at the same time")
