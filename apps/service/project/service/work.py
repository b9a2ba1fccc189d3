"""Work for the CPU, always as much."""

from hashlib import sha256

ROUNDS = 8000


def digest() -> str:
    """What is left after all rounds, each of which takes the result of the one before."""
    found = b"testbed"
    for _ in range(ROUNDS):
        found = sha256(found).digest()
    return found.hex()
