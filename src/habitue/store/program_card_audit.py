"""What must hold of the cards of loyalty programs, and the statements that find where it does not.

Each row names an owner of points and a place, as those of `store.loyalty_audit` do.
"""

CARD_CHECKS: dict[str, str] = {
    "points belong to no customer and no card": """
        SELECT customer_id, concat_ws('/', program_id, subledger, root_id) AS place
        FROM loyalty_account AS account
        WHERE NOT EXISTS (SELECT FROM customer WHERE customer.id = account.customer_id)
            AND NOT EXISTS (SELECT FROM program_card AS card
                WHERE card.owner_id = account.customer_id
                    AND card.program_id = account.program_id)
    """,
    "a card is linked to nobody who stands for themselves": """
        SELECT link.customer_id, link.card_id::text AS place FROM program_card_link AS link
        LEFT JOIN customer ON customer.id = link.customer_id
        WHERE customer.id IS NULL OR customer.merged_into IS NOT NULL
            OR customer.erased IS NOT NULL
    """,
    "a link leads to no card": """
        SELECT link.customer_id, link.card_id::text AS place FROM program_card_link AS link
        LEFT JOIN program_card AS card ON card.id = link.card_id AND card.deleted IS NULL
        WHERE card.id IS NULL
    """,
    "a card that was replaced is in use": """
        SELECT card.owner_id AS customer_id, card.id::text AS place FROM program_card AS card
        WHERE card.new_identifier <> '' AND (card.status <> 'inactive'
            OR EXISTS (SELECT FROM loyalty_account WHERE customer_id = card.owner_id
                AND open <> 0)
            OR EXISTS (SELECT FROM program_card_link WHERE card_id = card.id))
    """,
}
