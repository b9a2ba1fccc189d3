"""What the service did in each second: answers, how late they were, and how late it woke."""

import json
from collections import Counter
from typing import Any

NS_PER_US = 1000


def rounded_up(value_ns: int) -> int:
    """Return a time in whole microseconds, rounded up to two significant digits."""
    value_us = -(-max(value_ns, 0) // NS_PER_US)
    unit = 1
    while value_us > 99 * unit:
        unit *= 10
    return -(-value_us // unit) * unit


class Tally:
    """Counts between two rows. A row is one line of JSON; the next one counts from zero."""

    def __init__(self) -> None:
        self.waiting = 0  # answers that are not due yet
        self._begin()

    def _begin(self) -> None:
        self.requests = self.answers = self.gone = self.strange = 0
        self.most_waiting = self.waiting
        self.asked_us: Counter[int] = Counter()
        self.late_us: Counter[int] = Counter()
        self.lag_us: Counter[int] = Counter()

    def asked(self, latency_ns: int) -> None:
        """Count a question, whose answer is due after that time."""
        self.requests += 1
        self.asked_us[rounded_up(latency_ns)] += 1
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)

    def answered(self, late_ns: int) -> None:
        """Count an answer that was given so long after it was due."""
        self.waiting -= 1
        self.answers += 1
        self.late_us[rounded_up(late_ns)] += 1

    def left(self) -> None:
        """Count a client that closed its connection before its answer was due."""
        self.waiting -= 1
        self.gone += 1

    def woke(self, late_ns: int) -> None:
        """Count a probe of the event loop that came so late: a question might have waited so."""
        self.lag_us[rounded_up(late_ns)] += 1

    def row(self, begin_s: float, end_s: float, cpu_s: float) -> str:
        """Return what was counted as a line, with the time of day it is of, and begin anew."""
        told: dict[str, Any] = {
            "begin_s": round(begin_s, 6),
            "end_s": round(end_s, 6),
            "cpu_s": round(cpu_s, 6),
            "requests": self.requests,
            "answers": self.answers,
            "gone": self.gone,
            "strange": self.strange,
            "most_waiting": self.most_waiting,
            "asked_us": dict(sorted(self.asked_us.items())),
            "late_us": dict(sorted(self.late_us.items())),
            "lag_us": dict(sorted(self.lag_us.items())),
        }
        self._begin()
        return json.dumps(told, separators=(",", ":")) + "\n"
