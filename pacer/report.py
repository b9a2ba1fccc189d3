"""Write what a run measured, as files and as text. FORMAT.md describes the files."""

import csv
import errno
import io
import json
import os
from collections import Counter
from datetime import datetime
from typing import Any

from pacer import __version__
from pacer.control import Control
from pacer.merge import Distribution, Merge, Second, percentile
from pacer.opening import OWN_LIMITS
from pacer.options import Options
from pacer.outputs import write
from pacer.tally import ERRORS, LATE_NS, Tally

SCHEMA_VERSION = 4
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
        **_times(control.merge.distributions),
        "by_request": _by_request(control),
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
        "requests_file": None if options.requests_file is None else str(options.requests_file),
        "unix_socket": options.unix_socket,
        "ca_file": options.trust.ca_file if options.trust else None,
        "insecure": options.trust is not None and options.trust.insecure,
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
        "error_texts": _error_texts(measured),
        "status_codes": _status_codes(measured),
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


def _error_texts(tally: Tally) -> list[dict[str, Any]]:
    """Return what errors said and how often, the most frequent first.

    All processes together know more texts than one of them counts one by one.
    """
    return [
        {"kind": kind, "text": text, "count": count}
        for (kind, text), count in sorted(tally.texts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _status_codes(tally: Tally) -> dict[str, int]:
    """Return how many complete answers had each status; 200 is what is left of all answers."""
    codes = {200: tally.completed - tally.codes.total(), **tally.codes}
    return {str(code): count for code, count in sorted(codes.items()) if count}


def _by_request(control: Control) -> dict[str, Any]:
    """Return the figures of each request of a mix by its name."""
    return {
        one.name: {
            **{name: getattr(one.measured, name) for name in _REQUESTS},
            "errors": _errors(one.measured),
            "unsent": one.measured.unsent,
            "unanswered": one.measured.unanswered,
            "throughput_rps": _per_second(one.answered_in_window, control.measured_s),
            "goodput_rps": _per_second(one.good_in_window, control.measured_s),
            **_times(one.distributions),
            "warmup": {"completed": one.warmup.completed},
        }
        for one in control.merge.of_recipes
    }


def _times(distributions: dict[str, Distribution]) -> dict[str, Any]:
    return {f"{name}_us": _distribution(times) for name, times in distributions.items()}


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
    found = [*control.problems, *_own_limits(control.merge), *_untrusted(control.merge)]
    for cohort, tally in (("measured", control.merge.measured), ("warm-up", control.merge.warmup)):
        if not tally.balanced and not control.failed:
            found.append(f"the counts of {cohort} requests do not add up: a fault of pacer itself")
    return found


def _own_limits(merge: Merge) -> list[str]:
    """Return a sentence for each thing that the generating host ran out of."""
    limits = merge.measured.limits + merge.warmup.limits
    return [
        f"{count} requests could not be sent and count as unsent, since the generating host ran "
        f"out of {OWN_LIMITS[number]} ({errno.errorcode[number]}, {os.strerror(number)})"
        for number, count in sorted(limits.items())
    ]


def _untrusted(merge: Merge) -> list[str]:
    """Return a sentence for each reason for which the server's certificate was not trusted."""
    return [
        f"{count} requests could not be sent and count as errors.connect, since the server's "
        f"certificate is not trusted ({reason.rstrip('.')}): {_remedy(reason)}, or take any "
        "certificate by --insecure"
        for reason, count in sorted((merge.measured.untrusted + merge.warmup.untrusted).items())
    ]


def _remedy(reason: str) -> str:
    """Return what makes a server's certificate one to be trusted, by OpenSSL's reason."""
    if "mismatch" in reason:
        return "ask by a name that is in it"
    if "expired" in reason or "not yet valid" in reason:
        return "renew it, or set the clock of this host"
    return "name its authority by --ca-file"


# --- files ----------------------------------------------------------------------------------------


def write_files(options: Options, figures: dict[str, Any], control: Control) -> None:
    """Write the files that the options name. Raises OSError."""
    merge = control.merge
    if options.json_file:
        write(options.json_file, json.dumps(figures, indent=2) + "\n")
    if options.timeline_file:
        write(options.timeline_file, timeline(merge.seconds, options.duration_s))
    if options.hdr_file:
        write(options.hdr_file, histogram_log(merge, figures["started_at"]))
    if options.sample_file:
        answers = sorted(control.samples, key=lambda answer: float(answer["at_s"]))
        write(options.sample_file, "".join(f"{json.dumps(answer)}\n" for answer in answers))


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

    Those of correct answers and those of failed ones are intervals of their own, with these tags,
    and so are those of the correct answers to each request of a mix.
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
        f"Tag={interval.tag},{interval.second:.3f},1.000,{interval.max_us / 1000:.3f},"
        f"{interval.encoded}"
        for interval in merge.intervals
    ]
    return "\n".join([*lines, ""])
