"""Identifiers that too many cards share: a kiosk's device, a shop's own telephone.

Such an identifier recognises nobody: it is kept as a detail of every card that carries it.
"""

from habitue.customers.settings import RegistrationSettings


def is_identity(card_count: int, settings: RegistrationSettings) -> bool:
    """Whether an identifier that so many cards carry still leads to a customer."""
    return card_count <= settings.shared_cards_max
