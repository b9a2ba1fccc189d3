"""Write what a run measured, as files and as text. FORMAT.md describes the files."""

import csv
import io
import json
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from pacer import __version__
from pacer.control import Control
from pacer.merge import Distribution, Merge, Second, percentile
from pacer.options import Options
from pacer.tally import ERRORS, LATE_NS, Tally

SCHEMA_VERSION = 3
TIMELINE_COLUMNS = (
    *("second", "phase", "due", "sent", "completed", "ok", "good", "errors"),
    *("response_p50_us", "response_p99_us", "correct_p50_us", "correct_p99_us"),
    *("failed_p50_us", "failed_p99_us", "lag_p99_us"),
)


def document(options: Options, command: str, control: Control) -> dict[str, Any]:
    """Return all figures of the run as the JSON document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": "pacer",
        "version": __version__,
        "command": command,
        **_asked(options),
        **_outcome(control),
        **_times(control.merge),
        **_own(control),
        "warmup": {
            **{name: getattr(control.merge.warmup, name) for name in (*_REQUESTS, "unsent")},
            "errors": _errors(control.merge.warmup),
        },
        "problems": problems(control),
        "histograms": {
            f"{name}_us": distribution.histogram.encode().decode()
            for name, distribution in control.merge.distributions.items()
        },
    }


_REQUESTS = ("due", "sent", "completed", "ok", "good")


def _asked(options: Options) -> dict[str, Any]:
    return {
        "url": options.url,
        "method": options.method,
        "keepalive": options.keepalive,
        "loop": "closed" if options.rate_rps is None else "open",
        "arrivals": options.arrivals,
        "seed": options.seed,
        "rate_rps": options.rate_rps,
        "connections": options.connections,
        "duration_s": options.duration_s,
        "warmup_s": options.warmup_s,
        "timeout_s": options.timeout_s,
        "timeout_from": options.timeout_from,
        "good_within_ms": options.good_within_ms,
        "expect_length": options.expect_length,
        "expect_sha256": options.expect_sha256,
        "check_every": options.check_every,
    }


def _outcome(control: Control) -> dict[str, Any]:
    merge, measured = control.merge, control.merge.measured
    first_errors: dict[str, str] = {}
    for child in control.children:
        first_errors = (child.facts or {}).get("first_errors", {}) | first_errors
    return {
        "started_at": control.started_at.isoformat() if control.started_at else None,
        "complete": complete(control),
        "measured_s": round(control.measured_s, 6),
        **{name: getattr(measured, name) for name in _REQUESTS},
        "errors": _errors(measured),
        "first_errors": first_errors,
        "unsent": measured.unsent,
        "unanswered": measured.unanswered,
        "overdue": measured.overdue,
        "late": measured.late,
        "late_after_us": LATE_NS // 1000,
        "bytes": measured.bytes,
        "answered_in_window": merge.answered_in_window,
        "ok_in_window": merge.ok_in_window,
        "good_in_window": merge.good_in_window,
        "throughput_rps": _per_second(merge.answered_in_window, control.measured_s),
        "goodput_rps": _per_second(merge.good_in_window, control.measured_s),
        "bodies_checked": measured.bodies_checked,
    }


def _per_second(count: int, seconds: float) -> float | None:
    return round(count / seconds, 4) if seconds > 0 else None


def _errors(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ERRORS}


def _times(merge: Merge) -> dict[str, Any]:
    return {f"{name}_us": _distribution(times) for name, times in merge.distributions.items()}


def _distribution(times: Distribution) -> dict[str, Any]:
    mean, stdev = times.mean, times.stdev
    return {
        "count": times.count,
        "mean": None if mean is None else round(mean, 3),
        "stdev": None if stdev is None else round(stdev, 3),
        "min": times.min,
        "max": times.max,
        "percentiles": times.percentiles(),
    }


def _own(control: Control) -> dict[str, Any]:
    """Return what the generator measured of itself: CPU use, lag and processes."""
    processes: list[dict[str, Any]] = []
    answers: Counter[int] = Counter()
    for child in control.children:
        facts = child.facts or {}
        wall_s, cpu_s = facts.get("cpu") or (0, 0)
        processes.append(
            {
                "role": "load",
                "pid": child.process.pid,
                "cpu_percent": round(100 * cpu_s / wall_s, 2) if wall_s else None,
                "connections": child.plan.connections,
                **{name: getattr(child.tally, name) for name in _REQUESTS},
            }
        )
        answers.update(dict(facts.get("answers", [])))
    own = None if control.cpu_percent is None else round(control.cpu_percent, 2)
    processes.append({"role": "control", "pid": os.getpid(), "cpu_percent": own})
    shares = [process["cpu_percent"] for process in processes]
    return {
        "connections_opened": control.merge.measured.opened,
        "answers_per_connection": _answers_per_connection(answers),
        "cpu_percent": None if None in shares else round(sum(shares), 2),
        "processes": processes,
    }


def _answers_per_connection(answers: Counter[int]) -> dict[str, float] | None:
    """Return how many answers the connections got; None if there are none.

    `answers` maps a number of answers to the number of connections that got so many.
    """
    if not answers:
        return None
    return {
        "connections": answers.total(),
        "none": answers[0],
        "min": min(answers),
        **{f"p{percent}": percentile(answers, percent) or 0 for percent in (5, 50, 95)},
        "mean": round(sum(got * count for got, count in answers.items()) / answers.total(), 3),
        "max": max(answers),
    }


def complete(control: Control) -> bool:
    """Return whether the run went to its end."""
    return not (control.interrupted or control.failed)


def problems(control: Control) -> list[str]:
    """Return a sentence for each reason to doubt the figures; often an empty list."""
    found = list(control.problems)
    for cohort, tally in (("measured", control.merge.measured), ("warm-up", control.merge.warmup)):
        if not tally.balanced and not control.failed:
            found.append(f"the counts of {cohort} requests do not add up: a fault of pacer itself")
    return found


# --- files ----------------------------------------------------------------------------------------


def write_files(options: Options, figures: dict[str, Any], merge: Merge) -> None:
    """Write the files that the options name. Raises OSError."""
    if options.json_file:
        _write(options.json_file, json.dumps(figures, indent=2) + "\n")
    if options.timeline_file:
        _write(options.timeline_file, timeline(merge.seconds, options.duration_s))
    if options.hdr_file:
        _write(options.hdr_file, histogram_log(merge, figures["started_at"]))


def _write(path: Path, text: str) -> None:
    """Write a regular file completely or not at all; write to devices and pipes directly."""
    special = path.exists() and not path.is_file()
    if special or path.absolute().is_relative_to("/dev"):
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
        return
    path = path.resolve()  # the target of a link is replaced, not the link itself
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def timeline(seconds: list[Second], duration_s: float) -> str:
    """Return the CSV text with a row for each second."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(TIMELINE_COLUMNS)
    for second in seconds:
        if second.second >= duration_s and not (second.completed or second.errors or second.sent):
            continue  # there was nothing left to drain
        after = "measured" if second.second < duration_s else "drain"
        phase = "warmup" if second.second < 0 else after
        values = {name: getattr(second, name) for name in TIMELINE_COLUMNS if name != "phase"}
        rows.writerow([phase if name == "phase" else values[name] for name in TIMELINE_COLUMNS])
    return text.getvalue()


def histogram_log(merge: Merge, started_at: str | None) -> str:
    """Return an HdrHistogram log of response times, with intervals of a second.

    Those of correct answers and those of failed ones are intervals of their own, with these tags.
    Times in it are relative to the start of the measured part.
    """
    start = datetime.fromisoformat(started_at).timestamp() if started_at else 0.0
    lines = [
        "#[Histogram log format version 1.2]",
        f"#[response times in microseconds, pacer {__version__}]",
        f"#[StartTime: {start:.3f} (seconds since epoch), {started_at}]",
        f"#[BaseTime: {start:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    lines += [
        f"Tag={interval.answers},{interval.second:.3f},1.000,{interval.max_us / 1000:.3f},"
        f"{interval.encoded}"
        for interval in merge.intervals
    ]
    return "\n".join([*lines, ""])
