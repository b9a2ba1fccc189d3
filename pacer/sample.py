"""Choose which answers are kept, and describe them for the file of `--sample`."""

import base64
from typing import Any

from pacer.connection import Connection
from pacer.plan import Plan
from pacer.response import joined_headers
from pacer.schedule import NEVER, NS_PER_S

KEPT_BYTES = 64 * 1024  # of a body, at most


class Sampler:
    """Spread one process's share of the sample over the measured part, evenly for each recipe."""

    def __init__(self, plan: Plan) -> None:
        shares = [
            _share(_share(plan.sample_size, len(plan.recipes), place), plan.processes, plan.index)
            for place in range(len(plan.recipes))
        ]
        stagger = (plan.index + 0.5) / plan.processes
        self._moments = [
            iter([round((turn + stagger) / share * plan.end_ns) for turn in range(share)])
            for share in shares
        ]
        self._next = [next(moments, NEVER) for moments in self._moments]

    def wants(self, recipe: int, now: int) -> bool:
        """Return whether the answer to the request that is sent now is kept.

        It is for the first request of its recipe after each of the moments.
        """
        if now < self._next[recipe]:
            return False
        self._next[recipe] = next(self._moments[recipe], NEVER)
        return True


def _share(whole: int, parts: int, place: int) -> int:
    """Return how much of the whole one of its parts has; the first ones have the remainder."""
    each, rest = divmod(whole, parts)
    return each + (1 if place < rest else 0)


def describe(connection: Connection, name: str, now: int, *, correct: bool) -> dict[str, Any]:
    """Return what the file has about the answer that the connection has just read."""
    reader, request = connection.reader, connection.request
    headers = joined_headers(reader.raw_head)
    return {
        "at_s": round(now / NS_PER_S, 6),
        "name": name,
        "number": request.number,
        "drawn": request.drawn,
        "status": reader.head.status,
        "content_type": headers.get("content-type"),
        "headers": headers,
        "ok": correct,
        "body_bytes": reader.body_length,
        "body_base64": base64.b64encode(reader.body[:KEPT_BYTES]).decode(),
    }
