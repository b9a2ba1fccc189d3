"""Write the figures as text, in the manner of wrk2."""

import math
from typing import Any

from hdrh.histogram import HdrHistogram

from pacer.merge import ALWAYS_UP_TO, PERCENTILES, Second
from pacer.options import Options

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
ALWAYS = [name for name in PERCENTILES if float(name) <= ALWAYS_UP_TO]
_MOST_TEXTS = 5  # that errors said, in the summary
_ERROR_NAMES = {"timeout": "timed out", "status": "bad status", "wrong_body": "wrong body"}


def duration(us: float | None) -> str:
    """Return a time in microseconds as text, in a suitable unit; a dash if there is none."""
    if us is None:
        return "-"
    if us < 1000:
        return f"{us:.0f}us"
    return f"{us / 1000:.2f}ms" if us < 1_000_000 else f"{us / 1_000_000:.2f}s"


def size(count: float) -> str:
    """Return a number of bytes as text, in a suitable unit."""
    if count < 1000:
        return f"{count:.0f}B"
    power = min(int(math.log10(count)) // 3, len(_BYTE_UNITS) - 1)
    return f"{count / 1000**power:.2f}{_BYTE_UNITS[power]}"


def summary(options: Options, figures: dict[str, Any]) -> str:
    """Return the text that a person wants to see after a run."""
    lines = [
        f"Running {options.duration_s:.12g}s test @ {options.url}"
        + (f" through {options.unix_socket}" if options.unix_socket else ""),
        f"  {options.processes} process(es) and {options.connections} connections, "
        f"{_asked(options)}",
    ]
    if not figures["complete"]:
        lines.append(f"  INCOMPLETE: ended after {figures['measured_s']:.1f}s of the measured part")
    lines += [f"  PROBLEM: {problem}" for problem in figures["problems"]]
    lines += ["", f"  {'':<15}{'Avg':>10}{'Stdev':>10}{'Min':>10}{'Max':>10}"]
    failed = _ANSWERS if figures["failed_us"]["count"] else ()
    for title, key in (*_TIMES[:1], *failed, *_TIMES[1:]):
        times = figures[key]
        cells = [duration(times[name]) for name in ("mean", "stdev", "min", "max")]
        lines.append(f"  {title:<15}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join([*lines, "", *_percentiles(figures), "", *_counts(figures), ""])


def _percentiles(figures: dict[str, Any]) -> list[str]:
    """Return the table of percentiles, with what each column is of.

    If some requests have no correct answer, the first column has the percentiles of all requests,
    in which those count as slower than all others.
    """
    every, correct = figures["due"], figures["ok"]
    titles = [title for title, _ in _TIMES]
    columns = [figures[key]["percentiles"] for _, key in _TIMES]
    texts = [{name: duration(us) for name, us in column.items()} for column in columns]
    of = f"of {figures['completed']} answers"
    note = [f"  Percentiles {of}."]
    if correct < every:
        titles.insert(0, "Of all requests")
        texts.insert(0, _of_all(figures))
        due = "due" if figures["loop"] == "open" else "begun"
        note = [
            f"  First of the {every} requests {due}, of which the {every - correct} without a "
            "correct answer in time",
            f"  count as slower than all others; then {of}.",
        ]
    lines = [f"  {'Percentile':<15}" + "".join(f"{title:>16}" for title in titles)]
    for name in texts[0]:
        cells = [column.get(name, "-") for column in texts]
        lines.append(f"  {name + '%':<15}" + "".join(f"{cell:>16}" for cell in cells))
    return [*lines, *note]


def _of_all(figures: dict[str, Any]) -> dict[str, str]:
    """Return the percentiles over all requests that were due, or begun in a closed loop.

    Beyond the slowest correct answer, that is all that is known of them.
    """
    histogram = HdrHistogram.decode(figures["histograms"]["correct_us"])
    every, correct, slowest_us = figures["due"], figures["ok"], figures["correct_us"]["max"]
    found = {}
    for name in figures["response_us"]["percentiles"] or ALWAYS:
        rank = max(1, math.ceil(every * float(name) / 100 - 1e-6))
        if rank <= correct:
            us = histogram.get_value_at_percentile(100 * rank / correct)
            found[name] = duration(min(us, slowest_us))
        else:
            found[name] = f">={duration(slowest_us or 0)}"
    return found


def _asked(options: Options) -> str:
    if options.rate_rps is None:
        return "closed loop"
    return f"{options.rate_rps:.12g} requests/s ({options.arrivals})"


_TIMES = (("Response time", "response_us"), ("Service time", "service_us"), ("Lag", "lag_us"))
_ANSWERS = (("Correct", "correct_us"), ("Failed", "failed_us"))  # if there are failed ones


def _counts(figures: dict[str, Any]) -> list[str]:
    errors = {name: count for name, count in figures["errors"].items() if count}
    due = "due" if figures["loop"] == "open" else "begun"
    lines = [
        f"  {figures['due']} requests {due}, {figures['sent']} sent, "
        f"{figures['completed']} answered, {figures['ok']} correct, {size(figures['bytes'])} read"
    ]
    if errors:
        told = (f"{_ERROR_NAMES.get(name, name)} {count}" for name, count in errors.items())
        lines.append(f"  Errors: {', '.join(told)}")
        for error in figures["error_texts"][:_MOST_TEXTS]:
            name = _ERROR_NAMES.get(error["kind"], error["kind"])
            lines.append(f"    {error['count']} {name}: {error['text']}")
    if figures["unsent"] or figures["unanswered"]:
        lines.append(f"  Never sent: {figures['unsent']}, never answered: {figures['unanswered']}")
    if figures["late"]:
        after = duration(figures["late_after_us"])
        lines.append(f"  Sent more than {after} after they were due: {figures['late']}")
    cpu = figures["cpu_percent"]
    return [
        *lines,
        f"Requests/sec: {_rate(figures['throughput_rps'])}",
        f"{_good(figures)}{_rate(figures['goodput_rps'])}",
        f"Generator:    {'-' if cpu is None else f'{cpu:.0f}%'} of a CPU core",
    ]


def _good(figures: dict[str, Any]) -> str:
    within_ms = figures["good_within_ms"]
    return "Correct/sec:  " if within_ms is None else f"Correct within {within_ms:.12g}ms/sec: "


def _rate(per_second: float | None) -> str:
    return "-" if per_second is None else f"{per_second:.2f}"


def progress(options: Options, second: Second) -> str:
    """Return a line on the second that has just ended."""
    left_s = max(0.0, options.duration_s - second.second - 1)
    phase = "warm-up" if second.second < 0 else f"{left_s:.0f} s left"
    return (
        f"{phase}: {second.completed} answers/s, {second.errors} errors/s, "
        f"p50 {duration(second.response_p50_us)}, p99 {duration(second.response_p99_us)}, "
        f"lag p99 {duration(second.lag_p99_us)}"
    )
