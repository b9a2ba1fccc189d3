"""The page's two queries; each driver sends them as they stand here."""

ALL = """
SELECT number, name, element, second_element, health, attack, defence,
    magic_attack, magic_defence, speed, generation, legendary
FROM creature
ORDER BY number
"""

ONE = """
SELECT number, name, element, second_element, health, attack, defence,
    magic_attack, magic_defence, speed, generation, legendary
FROM creature
WHERE number = $1
"""

SHOWN = 25  # the creature that the page shows in full

ACCESSES = ("connection_per_query", "connection_per_request", "pool")


def check_access(access: str) -> None:
    """Raise ValueError for a way to the database that is not known."""
    if access not in ACCESSES:
        raise ValueError(f"DATABASE_ACCESS={access}: not one of {', '.join(ACCESSES)}")
