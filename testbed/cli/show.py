"""Write plans, outcomes, links and tried apps as text for people. Pure functions."""

import os
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from testbed.asked import capacity
from testbed.asked.plan import left_out
from testbed.campaign.campaign import Outcome
from testbed.campaign.course import OVERHEAD_S
from testbed.cli.options import option_name
from testbed.model.article import Scale, SeriesPart
from testbed.model.campaign import Until, Versions
from testbed.model.experiment import Experiment, LoadSpec, PlannedRun
from testbed.model.link import LinkRecord
from testbed.model.results import Standing
from testbed.model.why import Why
from testbed.numbers import written_out
from testbed.run.trying import Tried
from testbed.texts import shown_name

COLUMNS = 80  # of a terminal
TRIED_COLUMNS = ("level", "app", "endpoint", "answer", "SQL")
REPEATED: tuple[Standing, ...] = ("interrupted", "failed")  # a resume repeats these runs


def plan_text(experiment: Experiment, runs: list[PlannedRun], until: Until | None = None) -> str:
    """Return what would be run, in which order, and for how long."""
    load = experiment.load
    arrivals = f", {load.usual_arrivals} arrivals" if load.usual_arrivals else ""
    generators = dict.fromkeys(run.load.generator for run in runs)
    by = f"from the {load.from_host} host, generator: {', '.join(generators)}"
    warm_up = f" at {written_out(load.warmup_rate_rps)}/s" if load.warmup_rate_rps else ""
    each_s = load.warmup_s + load.duration_s + OVERHEAD_S
    return "\n".join(
        [
            experiment.title,
            wrapped(f"{_asked(load)}{arrivals}, {by}"),
            f"each run: {load.warmup_s:g} s warm-up{warm_up}, {load.duration_s:g} s measured",
            *_other_service_lines(runs),
            *(wrapped(line, "  ") for line in left_out(experiment, runs)),
            "settings:",
            *_settings_lines(runs),
            "runs, in this order:",
            *(f"  {run.run_id}" for run in runs),
            wrapped(_time_text(load, len(runs), each_s)),
            *([wrapped(_until_text(until, len(runs) * each_s))] if until else []),
        ]
    )


def wrapped(text: str, indent: str = "") -> str:
    """Return the text in lines that fit a terminal; `indent` stands before all but the first."""
    return textwrap.fill(
        text, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _other_service_lines(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """Yield how long the other service takes, for each variant; nothing if none is asked."""
    told = {run.variant: run.upstream.words for run in runs if run.upstream is not None}
    if len(set(told.values())) == 1:
        yield wrapped(f"the other service takes {next(iter(told.values()))}", "  ")
    elif told:
        yield "the other service takes:"
        yield from (f"  {variant}: {words}" for variant, words in told.items())


def _settings_lines(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """Yield each app's settings once, and of its other variants only what differs from these."""
    seen: dict[str, dict[str, dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: run.app):
        variants = seen.setdefault(run.app, {})
        if run.variant in variants:
            continue
        first = next(iter(variants.values()), {})
        told = {key: value for key, value in run.settings.items() if first.get(key) != value}
        variants[run.variant] = run.settings
        words = " ".join(f"{key}={value}" for key, value in told.items()) or "as above"
        name = run.app if not first else f"  variant {run.variant}"
        yield wrapped(f"  {name}: {words}", "      ")


def _time_text(load: LoadSpec, runs: int, each_s: float) -> str:
    """Return how many runs there are, and how many minutes they take."""
    if load.capacity is None:
        return f"{runs} runs, about {minutes_text(runs * each_s)}"
    most = capacity.longest(load.capacity)
    return (
        f"{runs} searches, each of {most} such runs at most: about "
        f"{minutes_text(runs * most * each_s)} if all take as many"
    )


def minutes_text(duration_s: float) -> str:
    """Return a duration in minutes, and in hours as well from two of them on."""
    minutes = round(duration_s / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _until_text(until: Until, first_s: float) -> str:
    most_s = first_s * until.most_trials / until.first_trials
    return (
        f"these {until.first_trials} trials tell how many let each ratio's interval reach no "
        f"further than {until.percent:g} %: {until.most_trials} at most, about "
        f"{minutes_text(most_s)} in all"
    )


def tried_text(found: Sequence[Tried], *, quiet: bool = False) -> str:
    """Return what was found of apps that were tried: a row for each, its remark below it.

    With `quiet`, only what is not right.
    """
    shown = [one for one in found if not quiet or one.level != "ok"]
    rows = [
        TRIED_COLUMNS,
        *((one.level, one.app, one.endpoint, one.answer, one.sql) for one in shown),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    remarks = ["", *(one.remark for one in shown)]
    lines = []
    for row, remark in zip(rows, remarks, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
        lines += [f"{'':{widths[0]}}  {line}" for line in remark.splitlines()]
    levels = Counter(one.level for one in found)
    told = ", ".join(f"{count} {level}" for level, count in sorted(levels.items(), reverse=True))
    apps = len({one.app for one in found})
    summary = f"{apps} app{'s' if apps != 1 else ''}: {told}"
    return "\n".join([*(lines if shown else []), summary])


def versions_text(named: Versions) -> str:
    """Return which versions of an app are compared, and what differs between them."""
    sides = ((one, version) for one, version in (("old", named.old), ("new", named.new)))
    lines = [
        f"{one}: {version.app}, from {shown_name(version.source)}"
        + (f" (commit {version.commit[:12]})" if version.commit else "")
        for one, version in sides
    ]
    found = [f"  {shown_name(line)}" for line in named.differences]
    return "\n".join([*lines, "what differs:", *(found or ["  nothing: an app against itself"])])


def why_text(why: Why, asked_trials: int, trials: int) -> str:
    """Return the factors between two apps, how many cells their factorial has, and its trials."""
    lines = [f"why {why.app} differs from {why.against}:"]
    for one in why.factors:
        only = f" (only {one.only} has it)" if one.only else ""
        lines.append(f"  {one.name}: {one.app} against {one.against}{only}")
    lines.append(f"  framework: {why.app} against {why.against}")
    lines += [f"    with it: {phrase}" for phrase in why.within_framework]
    measured = len({(cell.app, cell.variant) for cell in why.cells})
    kind = f"a fraction of resolution {why.resolution}" if why.resolution else "a full factorial"
    lines.append(f"{kind}: {len(why.cells)} combinations, {measured} of them to be measured")
    if trials != asked_trials:
        lines.append(f"{trials} trials in place of {asked_trials}: each block has a mirror image")
    return "\n".join(lines)


def part_text(
    part: SeriesPart, scale: Scale, experiment: Experiment, runs: list[PlannedRun]
) -> str:
    """Return the plan of one part of a series, under the options that select it."""
    asked = f"# {option_name(part.mode)} --parts={part.part} --scale={scale}"
    return f"{asked}\n{plan_text(experiment, runs)}"


def _asked(load: LoadSpec) -> str:
    if load.ramp and load.ramp.of == "users":
        steps = ", ".join(map(str, load.ramp.steps))
        return f"{steps} users, each of whom asks once in {load.ramp.think_s:g} s"
    if load.ramp:
        return f"as fast as answers come, {', '.join(map(str, load.ramp.steps))} connections"
    held = f"{load.connections} connections, {load.threads} threads"
    if load.capacity:
        p99, errors = map(written_out, (load.capacity.p99_ms, load.capacity.errors_percent))
        found = f"p99 {p99} ms and {errors} % errors"
        return f"the highest rate with at most {found}, {held}"
    if load.rate_rps is None:
        return f"as fast as answers come, {held}"
    return f"{written_out(load.rate_rps)} requests/s, {held}"


def outcome_text(outcome: Outcome) -> str:
    """Return how a campaign went, and where its folder is."""
    return _outcomes_text(outcome.folder, [outcome])


def series_text(folder: Path, outcomes: list[Outcome]) -> str:
    """Return how a series of campaigns went, and where its folder is."""
    text = _outcomes_text(folder, outcomes)
    return f"{text}; report: python -m analysis report {_place(folder)}"


def repeats_text(folder: Path, outcomes: list[Outcome]) -> str:
    """Return how the campaigns of an app against itself went, and where their folder is."""
    counts = Counter(record.standing for one in outcomes for record in one.records)
    told = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return "\n".join(
        [
            f"{len(outcomes)} campaigns, {counts.total()} runs: {told}",
            _cost(outcomes),
            f"results: {_place(folder)}; again: python -m analysis noise {_place(folder)}",
        ]
    )


def _place(folder: Path) -> str:
    return shown_name(os.path.relpath(folder))


def _outcomes_text(folder: Path, outcomes: list[Outcome]) -> str:
    counts = Counter(record.standing for one in outcomes for record in one.records)
    place = _place(folder)
    again = " and ".join(f"{counts[word]} {word}" for word in REPEATED if counts[word])
    return "\n".join(
        [
            f"{counts.total()} runs: "
            + ", ".join(f"{count} {word}" for word, count in sorted(counts.items())),
            _cost(outcomes),
            *([f"to repeat {again}: --resume={place}"] if again else []),
            f"results: {place}",
        ]
    )


def _cost(outcomes: list[Outcome]) -> str:
    """Return how much of the time was measured, and how much the testbed itself took."""
    measured_s = sum(one.load_s for one in outcomes)
    elapsed_s = sum(one.elapsed_s for one in outcomes)
    made = sum(len(one.made) for one in outcomes)
    text = f"measured {measured_s:.0f} s of {elapsed_s:.0f} s"
    if not made:
        return text
    own_s = elapsed_s - measured_s - sum(one.warmup_s for one in outcomes)
    return f"{text}; beside load and warm-up, {own_s / made:.1f} s a run"


def link_text(record: LinkRecord) -> str:
    """Return the result of a link verification as text."""
    lines = [
        f"{way.source} -> {way.target}: {way.mbit_per_s:.0f} Mbit/s" for way in record.directions
    ]
    if trip := record.round_trip_ms:
        lines.append(
            f"round trip: {trip.min:g} / {trip.mean:g} / {trip.max:g} ms (min / mean / max)"
        )
    for role, nic in record.nics.items():
        speed = f"{nic.speed_mbit_per_s} Mbit/s" if nic.speed_mbit_per_s else "speed unknown"
        duplex = {True: "full duplex", False: "half duplex", None: "duplex unknown"}
        lines.append(f"{role}: {nic.interface}, {speed}, {duplex[nic.full_duplex]}, MTU {nic.mtu}")
    reason = f" ({record.floor_reason})" if record.floor_reason else ""
    lines.append(f"floor: {record.floor_mbit_per_s:g} Mbit/s each way{reason}")
    lines += [f"not fit: {problem}" for problem in record.problems] or [
        "verified: what was sent went over these interfaces, at least that fast each way"
    ]
    return "\n".join(lines)
