"""Read how the other service did, and judge whether it was late itself.

The functions are pure, except that they read the run's own files.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from pydantic import NonNegativeFloat, NonNegativeInt, ValidationError

from testbed.model.base import Model
from testbed.model.results import Finding
from testbed.model.upstream import UpstreamRecord
from testbed.validity.evidence import Evidence
from testbed.validity.limits import beyond, found

ROWS_FILE = "upstream.jsonl"  # as upstream/tally.py writes it
SHARES = {"50": 0.5, "90": 0.9, "99": 0.99, "100": 1.0}
MOST_US = 10**9  # no time is as long


class Row(Model):
    """What it did between two moments of its host's clock."""

    begin_s: float
    end_s: float
    cpu_s: NonNegativeFloat
    requests: NonNegativeInt
    answers: NonNegativeInt
    gone: NonNegativeInt
    strange: NonNegativeInt
    most_waiting: NonNegativeInt
    asked_us: dict[NonNegativeInt, NonNegativeInt]
    late_us: dict[NonNegativeInt, NonNegativeInt]
    lag_us: dict[NonNegativeInt, NonNegativeInt]


def of_run(evidence: Evidence) -> UpstreamRecord | None:
    """Return the run's record of the other service, completed with what its rows show.

    Return None if the workload asks no other service.
    """
    record = evidence.run.upstream
    if record is None:
        return None
    rows = _measured(evidence)
    seconds = sum(row.end_s - row.begin_s for row in rows)
    if not rows or seconds <= 0:
        return record
    return record.model_copy(
        update={
            "seconds": round(seconds, 3),
            "requests": sum(row.requests for row in rows),
            "answers": sum(row.answers for row in rows),
            "gone": sum(row.gone for row in rows),
            "strange": sum(row.strange for row in rows),
            "most_waiting": max(row.most_waiting for row in rows),
            "cpu_percent": round(100 * sum(row.cpu_s for row in rows) / seconds, 1),
            "drawn_us": quantiles([row.asked_us for row in rows]),
            "late_us": quantiles([row.late_us for row in rows]),
            "lag_us": quantiles([row.lag_us for row in rows]),
        }
    )


def quantiles(counts: list[dict[int, int]]) -> dict[str, int]:
    """Return the values at SHARES of all that was counted; an empty mapping if nothing was."""
    together: Counter[int] = Counter()
    for one in counts:
        together.update(one)
    total = together.total()
    if not total:
        return {}
    told, seen, left = {}, 0, list(SHARES.items())
    for value in sorted(together):
        seen += together[value]
        while left and seen >= left[0][1] * total:
            told[left.pop(0)[0]] = min(value, MOST_US)
    return told


def _measured(evidence: Evidence) -> list[Row]:
    """Return the rows that lie within the measured part as a whole; all if that is not known."""
    rows = read(evidence.folder / ROWS_FILE)
    host, begin = evidence.run.before.get("client"), evidence.run.measured_from
    if begin is None or host is None or host.clock_offset_s is None:
        return rows
    begin_s = begin.timestamp() + host.clock_offset_s
    end_s = begin_s + evidence.run.load.duration_s
    return [row for row in rows if begin_s <= row.begin_s and row.end_s <= end_s] or rows


def read(path: Path) -> list[Row]:
    """Return the rows of a file; an empty list without a file.

    A host made it, so what is no row is left out.
    """
    rows = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                rows.append(Row.model_validate_json(line))
            except ValidationError:
                continue
    return rows


def upstream_late(evidence: Evidence) -> list[Finding]:
    """Check that the other service was not late itself, where it was asked."""
    record = evidence.run.upstream
    if record is None:
        return []
    if record.seconds is None:
        unknown = "the other service told nothing of the measured part, so it may have been late"
        return [found("doubtful", unknown)]
    if not record.requests:
        return []
    worst_us = max(_p99(record.late_us), _p99(record.lag_us))
    late = beyond("upstream_late_p99_us", worst_us, _sentence(record))
    percent = "the other service used {value:.0f} % of a core"
    return late + beyond("upstream_cpu_percent", record.cpu_percent, percent)


def _p99(percentiles: Mapping[str, int]) -> int:
    return percentiles.get("99", 0)


def _sentence(record: UpstreamRecord) -> str:
    """Return how late it was in words, with a place for the value."""
    return (
        "the other service was late by its own fault, p99 {value:.0f} us, with up to "
        f"{record.most_waiting} answers waited for at once"
    )
