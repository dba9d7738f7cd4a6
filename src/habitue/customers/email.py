"""E-mail addresses: which are well-formed, what they are compared by, and which are nobody's.

An address's *normal form* is its lower-case local part and the ASCII form of its domain. Dots and
what follows a plus are part of the local part: only some providers ignore them, and two people
joined wrongly are worse than one person with two cards. A *placeholder* is a well-formed address
that nobody reads: it is kept as a detail, and it recognises nobody.

Invariants: reading a normal form gives that normal form again; no value makes reading fail; nothing
is looked up anywhere.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec
from email_validator import validate_email

from habitue.customers.settings import RegistrationSettings
from habitue.model.limits import EMAIL_LENGTH_MAX

Placeholder = Literal["", "placeholder_domain", "placeholder_local_part"]
EmailReason = Literal["empty", "not_text", "length", "syntax"]

#: RFC 2606 section 3: reserved for examples in documentation.
SAMPLE_DOMAINS = ("example.com", "example.net", "example.org")
#: Reserved for ever (RFC 2606, 6761, 6762, 7686): no such address can be anybody's.
RESERVED_DOMAINS = ("arpa", "example", "invalid", "local", "localhost", "onion", "test")

#: Most addresses. What matches, and is not too long, the library would accept unchanged; a test
#: holds the two together.
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}", re.ASCII
)
_PLAIN_LOCAL_PART_MAX = 64
# One label may have as many; a domain that is no longer has no label that is.
_PLAIN_DOMAIN_MAX = 63


class Email(msgspec.Struct, frozen=True):
    """An address that could be read; `placeholder` says why it is nobody's, if it is."""

    normal_form: str
    placeholder: Placeholder = ""


class NoEmail(msgspec.Struct, frozen=True):
    """Why a value is no e-mail address."""

    reason: EmailReason


def read_email(value: object, settings: RegistrationSettings) -> Email | NoEmail:
    """Read an address; those of the settings' placeholder domains (with all below them) and
    placeholder local parts (with any suffix after a plus) are placeholders."""
    if not isinstance(value, str):
        return NoEmail("not_text")
    text = value.strip()
    if not text:
        return NoEmail("empty")
    if len(text) > EMAIL_LENGTH_MAX:
        return NoEmail("length")
    normal_form = _normal_form(text.lower(), settings)
    if normal_form is None:
        return NoEmail("syntax")
    return Email(normal_form, _placeholder(normal_form, settings))


def _normal_form(text: str, settings: RegistrationSettings) -> str | None:
    local_part, _, domain = text.rpartition("@")
    is_short = len(local_part) <= _PLAIN_LOCAL_PART_MAX and len(domain) <= _PLAIN_DOMAIN_MAX
    if is_short and _PLAIN.fullmatch(text):
        return text
    # The library refuses reserved domains, and those of one label, whatever their syntax.
    stand_in = ".com" if _nobodys(domain, settings) else ""
    try:
        read = validate_email(text + stand_in, check_deliverability=False, strict=True)
    except ValueError:
        return None
    return f"{read.local_part}@{read.ascii_domain.removesuffix(stand_in)}"


def _placeholder(normal_form: str, settings: RegistrationSettings) -> Placeholder:
    local_part, _, domain = normal_form.rpartition("@")
    if _nobodys(domain, settings):
        return "placeholder_domain"
    if local_part.partition("+")[0] in map(str.lower, settings.placeholder_local_parts):
        return "placeholder_local_part"
    return ""


def _nobodys(domain: str, settings: RegistrationSettings) -> bool:
    return _is_below(domain, RESERVED_DOMAINS) or _is_below(domain, settings.placeholder_domains)


def _is_below(domain: str, parents: Iterable[str]) -> bool:
    """Whether the domain is one of those, or below one."""
    dotted = "." + domain
    return any(dotted.endswith("." + parent.lower()) for parent in parents)


def is_sample(normal_form: str) -> bool:
    """Whether an address is one of documentation: nobody's where anybody may write it."""
    return _is_below(normal_form.rpartition("@")[2], SAMPLE_DOMAINS)
