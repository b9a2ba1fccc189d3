"""Make the result table as CSV (unrounded, units in the column names) and as text."""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from analysis import capacities, findings, gave_out, mixes, other_service, ramp
from analysis.columns import Column, columns, varied_text
from analysis.figures import BY_KEY, LOWER_BOUND, PERCENTILES
from analysis.frames import with_missing
from analysis.groups import (
    Group,
    censored,
    counted_from,
    endpoints,
    generated_by,
    groups,
    settings_text,
)  # fmt: skip
from analysis.in_one import told_of
from analysis.load import LoadedCampaign
from analysis.measured import figure_columns
from analysis.ratio import finite
from analysis.text_table import STYLES, text_table
from analysis.trials import reasons
from testbed.model.results import RunRecord
from testbed.numbers import AT_LEAST, MISSING, digits
from testbed.tools.table import counts_from_due
from testbed.validity.trend import SHORTEST_S

FORMULA_BEGINS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
)  # a spreadsheet reads such a cell as a formula


def ordered_runs(campaign: LoadedCampaign) -> list[RunRecord]:
    """Return all runs as tables show them: by endpoint, app, variant, load, trial."""
    return [
        record
        for endpoint in endpoints(campaign)
        for group in groups(campaign, endpoint)
        for record in group.records
    ]


def runs_frame(campaign: LoadedCampaign) -> pd.DataFrame:
    """Return a row for each run with every figure; a figure not obtained is <NA>, never 0."""
    return with_missing([_run_row(record, campaign) for record in ordered_runs(campaign)])


def _run_row(record: RunRecord, campaign: LoadedCampaign) -> dict[str, Any]:
    output, load = record.output, record.load
    row: dict[str, Any] = {
        "run_id": record.run_id,
        "app": record.app,
        "app_title": record.app_title,
        "endpoint": record.endpoint,
        "variant": record.variant,
        "settings": varied_text(record, campaign) or None,
        "all_settings": settings_text(dict(sorted(record.settings.items()))) or None,
        "trial": record.trial,
        "generator": load.generator,
        "generator_version": record.generator_version,
        "generated_on": load.from_host,
        "calibration": record.calibration,
        "connections": load.connections,
        "asked_duration_s": load.duration_s,
        "asked_rate_rps": load.rate_rps,
        "arrivals": load.arrivals,
        "keepalive": load.keepalive,
        "link_delay_ms": campaign.campaign.link_delay.asked_ms
        if campaign.campaign.link_delay
        else None,
        "upstream_latency_ms": other_service.latency_ms(record),
    }
    row |= figure_columns(record, campaign.counted(record))
    row |= {
        "response_counted_from": "due" if counts_from_due(load) else "sent",
        "response_is_lower_bound": censored(record) if output else None,
        "requests": output.requests if output else None,
        "generator_lag_p99_us": output.lag_us.percentiles.get("99")
        if output and output.lag_us
        else None,
        "generator_cpu_percent": output.cpu_percent if output else None,
        "drift_percent": record.drift_percent,
        "response_drift_percent": record.response_drift_percent,
        "gave_out": gave_out.words(record) or None,
        "verdict": record.standing,
        "reasons": " ".join(reasons(record)) or None,
    }
    return row


def summary_frame(campaign: LoadedCampaign) -> pd.DataFrame:
    """Return a row per app, endpoint, variant and load, with figures over the counted trials.

    Percentiles are those of all counted trials merged; other figures have their mean.
    """
    rows = []
    for endpoint in endpoints(campaign):
        for group in groups(campaign, endpoint):
            rows.append(_summary_row(group, campaign))
    return with_missing(rows)


def _summary_row(group: Group, campaign: LoadedCampaign) -> dict[str, Any]:
    row: dict[str, Any] = {
        "app": group.app,
        "label": group.label,
        "endpoint": group.endpoint,
        "variant": group.first.variant,
        "settings": varied_text(group.first, campaign) or None,
        "asked_rate_rps": group.first.load.rate_rps,
        "trials": len(group.records),
        "trials_counted": len(group.counted),
        "response_is_lower_bound": group.censored,
        "gave_out": gave_out.of_trials(group.counted) or None,
        "verdict": group.standing,
    }
    for figure in BY_KEY.values():
        summary = group.summary(figure.key)
        low, high = (summary.interval if summary else None) or (None, None)
        middle = "merged" if figure.key in PERCENTILES else "mean"
        if figure.key not in PERCENTILES:
            row[f"{figure.key}_median"] = summary.median if summary else None
        row |= {
            f"{figure.key}_min": summary.low if summary else None,
            f"{figure.key}_max": summary.high if summary else None,
            f"{figure.key}_{middle}": summary.mean if summary else None,
            f"{figure.key}_{middle}_ci95_low": low,
            f"{figure.key}_{middle}_ci95_high": finite(high),
            f"{figure.key}_interval_is": summary.interval_is
            if summary and low is not None
            else None,
        }
    return row


def csv(frame: pd.DataFrame) -> str:
    """Return the frame as CSV. A missing figure is an empty field.

    A text that a spreadsheet would read as a formula is given a leading apostrophe. Numbers, also
    negative ones, are written as they are.
    """
    return frame.map(_as_text).to_csv(index=False, lineterminator="\n")


def _as_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    shown = value.replace("\r", " ")  # the csv module would write it without quotes
    return f"'{shown}" if value.startswith(FORMULA_BEGINS) else shown


def several_trials(campaign: LoadedCampaign) -> bool:
    """Return whether any group has more than one trial."""
    return any(
        len(group.records) > 1
        for endpoint in endpoints(campaign)
        for group in groups(campaign, endpoint)
    )


def print_table(campaign: LoadedCampaign, console: Console) -> None:
    """Print the result table and its reasons, in several parts if the console is too narrow."""
    records = ordered_runs(campaign)
    console.print(Text(headline(campaign), style="bold"))
    if capacities.searched(campaign):
        print_capacities(campaign, console)
    for part in _parts(campaign, records, console):
        console.print(part)
        console.print()
    for table in mixes.text_tables(campaign):
        console.print(table)
        console.print()
    for line in footnotes(campaign, records):
        console.print(Text(line))


def print_capacities(campaign: LoadedCampaign, console: Console) -> None:
    """Print the answers of a capacity search, with its objective."""
    console.print(Text(f"Capacity: {capacities.objective(campaign)}."))
    if campaign.campaign.capacities:
        console.print(capacities.table(campaign))
    for search in capacities.unfinished(campaign):
        console.print(Text(f"No answer yet: {search}"))
    console.print(Text("\nProbes", style="bold"))


def headline(campaign: LoadedCampaign) -> str:
    """Return campaign, experiment and place in one line."""
    about = campaign.campaign
    stamp = ", calibration: not ranked" if campaign.calibration else ""
    place = "lab" if about.place == "lab" else "real hosts"
    return f"{about.campaign}: {about.title} ({place}{stamp})"


def footnotes(campaign: LoadedCampaign, records: list[RunRecord]) -> list[str]:
    """Return what the table's cells cannot say: reasons, missing runs, who made the load."""
    lines = findings.lines(records)
    if missing := campaign.not_measured:
        planned = told_of(missing, len(campaign.campaign.runs), "runs")
        lines.append(f"{planned}: planned, not measured")
    lines += [f"{name}: not planned by this campaign, not counted" for name in campaign.unplanned]
    lines += ramp.sentences(campaign)
    made_by = sorted({generated_by(record) for record in records})
    lines.append(f"Load by {'; '.join(made_by)}. Times in ms, {counted_from(records)}.")
    lines += [f"Under all of it: {condition}." for condition in conditions(campaign)]
    lines.append(f"{MISSING} = not obtained.")
    if any(map(censored, records)):
        lines.append(f"{AT_LEAST}= {LOWER_BOUND}.")
    return lines


def conditions(campaign: LoadedCampaign) -> list[str]:
    """Return other conditions that affect every figure of the campaign; often an empty list."""
    found = []
    if not all(run.record.load.keepalive for run in campaign.runs):
        found.append("a connection for each request (no keep-alive)")
    if delay := campaign.campaign.link_delay:
        found.append(
            f"round trip of the link lengthened by {delay.by}: asked {delay.asked_ms:g} ms, "
            f"measured {digits(delay.round_trip_ms.mean)} ms"
        )
    return found + _too_short(campaign)


def _too_short(campaign: LoadedCampaign) -> list[str]:
    """Return that runs were too short for a test whether they were steady; once for all of them."""
    lengths = {run.record.load.duration_s for run in campaign.runs if run.record.output}
    short = sorted(length for length in lengths if length < SHORTEST_S)
    if not short:
        return []
    which = "no run" if len(short) == len(lengths) else f"no run of less than {SHORTEST_S} s"
    of = f"{short[0]:g} s" if len(short) == 1 else f"{short[0]:g} to {short[-1]:g} s"
    return [
        f"{which} was tested for whether throughput or response times rose or fell over it ({of} "
        f"are too short to tell, it takes {SHORTEST_S} s)"
    ]


def _parts(campaign: LoadedCampaign, records: list[RunRecord], console: Console) -> list[Table]:
    """Return tables that fit the console: the key columns, and as many others as have room."""
    parts: list[list[Column]] = [[]]
    shown = columns(campaign)
    cells = {one.title: [one.cell(record, campaign) for record in records] for one in shown}
    keys = [column for column in shown if column.key]
    for column in shown:
        if column.key:
            continue
        table = _table([*keys, *parts[-1], column], cells, records)
        too_wide = Measurement.get(console, console.options.update(max_width=9999), table).maximum
        if parts[-1] and too_wide > console.width:
            parts.append([])
        parts[-1].append(column)
    return [_table([*keys, *part], cells, records) for part in parts]


def _table(shown: list[Column], cells: dict[str, list[str]], records: list[RunRecord]) -> Table:
    """Return a table of these columns; `cells` has their texts by title, one for each record."""
    table = text_table()
    for column in shown:
        table.add_column(
            column.title, justify="right" if column.number else "left", no_wrap=column.number
        )
    for place, record in enumerate(records):
        row = [Text(cells[column.title][place]) for column in shown]
        table.add_row(*row, style=STYLES[record.standing])
    return table
