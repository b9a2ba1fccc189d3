"""Give the figures of each part of a mix, as if it had been an endpoint of its own. Pure functions.

The mix itself is an endpoint like any other, and its figures are those of all its requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from analysis.curves import Curves
from analysis.figures import FIGURES
from analysis.frames import with_missing
from analysis.groups import Group, endpoints, groups, settings_text, varied_settings
from analysis.histogram import Histograms
from analysis.load import LoadedCampaign, LoadedRun
from analysis.measured import figure_columns
from analysis.text_table import STYLES, text_table
from testbed.model.results import RunRecord
from testbed.numbers import percent

SHOWN = ("goodput_rps", "errors_total", "response_p50_us", "response_p99_us")  # in text tables


@dataclass(frozen=True)
class PartRow:
    """One part of a mix, as the trials of one app, variant and load measured it together."""

    part: str
    group: Group
    asked_percent: float  # of all requests, by the weights
    answered_percent: float | None  # of all answers; None: there were none


def mixes(campaign: LoadedCampaign) -> list[str]:
    """Return the endpoints that are mixes, in the order asked."""
    mixed = {run.record.endpoint for run in campaign.runs if run.record.weights}
    return [endpoint for endpoint in endpoints(campaign) if endpoint in mixed]


def rows(campaign: LoadedCampaign, mix: str) -> list[PartRow]:
    """Return a row for each part of a mix and group of trials, with all rows of a part together."""
    records = {run.record.run_id: run.record for run in campaign.runs}
    # A label may name the load, which is that of the mix
    labels = {run.record.run_id: one.label for one in groups(campaign, mix) for run in one.runs}
    found = []
    for part in _parts(campaign, mix):
        for group in groups(_of_part(campaign, mix, part), part):
            of_mix = [records[record.run_id] for record in group.records]
            counted = [records[record.run_id] for record in group.counted]
            asked, answered = asked_percent(of_mix[0], part), _answered_percent(counted, part)
            labelled = replace(group, label=labels[group.first.run_id])
            found.append(PartRow(part, labelled, asked, answered))
    return found


def asked_percent(record: RunRecord, part: str) -> float:
    """Return the share of a part in the requests of a run of its mix, by the weights."""
    return 100 * record.weights[part] / sum(record.weights.values())


def _answered_percent(records: Sequence[RunRecord], part: str) -> float | None:
    outputs = [record.output for record in records if record.output is not None]
    told = [output.by_request[part] for output in outputs if part in output.by_request]
    of_all = sum(output.requests or 0 for output in outputs)
    return 100 * sum(one.requests for one in told) / of_all if of_all else None


def _parts(campaign: LoadedCampaign, mix: str) -> list[str]:
    """Return the parts of a mix in the order declared; runs before a resume may have had others."""
    weights = (run.record.weights for run in campaign.runs if run.record.endpoint == mix)
    return list(dict.fromkeys(part for one in weights for part in one))


def _of_part(campaign: LoadedCampaign, mix: str, part: str) -> LoadedCampaign:
    """Return the campaign with only the runs of a mix, and of these only the figures of a part."""
    runs = [
        LoadedRun(part_record(run.record, part), Curves(given=Histograms(run.parts.get(part), {})))
        for run in campaign.runs
        if run.record.endpoint == mix and part in run.record.weights
    ]
    return replace(campaign, runs=runs)


def part_record(record: RunRecord, part: str) -> RunRecord:
    """Return the record of a run of a mix as if it had asked only this part, at its share.

    Whether response times are lower bounds follows from the part's own requests.
    """
    output, load = record.output, record.load
    if load.rate_rps is not None:
        share = asked_percent(record, part) / 100
        load = load.model_copy(update={"rate_rps": load.rate_rps * share})
    known = output is not None and part in output.by_request
    changes = {
        "endpoint": part,
        "weights": {},
        "load": load,
        "output": output.of_request(part) if output is not None and known else None,
        "findings": [finding for finding in record.findings if finding.check != "censored"],
        "cost": None,  # which part took how much of it is not known
    }
    return record.model_copy(update=changes)


def frame(campaign: LoadedCampaign) -> pd.DataFrame:
    """Return a row for each run of a mix and each of its parts; a missing figure is <NA>."""
    return with_missing(
        [
            _row(run, part, campaign)
            for mix in mixes(campaign)
            for part in _parts(campaign, mix)
            for group in groups(campaign, mix)
            for run in group.runs
            if part in run.record.weights
        ]
    )


def _row(run: LoadedRun, part: str, campaign: LoadedCampaign) -> dict[str, Any]:
    record, alone = run.record, part_record(run.record, part)
    histogram = run.parts.get(part)
    return {
        "run_id": record.run_id,
        "app": record.app,
        "app_title": record.app_title,
        "endpoint": record.endpoint,
        "part": part,
        "variant": record.variant,
        "settings": settings_text(varied_settings(record, campaign)) or None,
        "trial": record.trial,
        "asked_rate_rps": alone.load.rate_rps,
        "asked_percent": asked_percent(record, part),
        "answered_percent": _answered_percent([record], part),
        **figure_columns(alone, histogram.counted if histogram else None),
        "requests": alone.output.requests if alone.output else None,
        "verdict": record.standing,
    }


def text_tables(campaign: LoadedCampaign) -> list[Table]:
    """Return a table of the parts of each mix, with figures over the trials together."""
    return [_table(campaign, mix) for mix in mixes(campaign)]


def _table(campaign: LoadedCampaign, mix: str) -> Table:
    table = text_table()
    table.title, table.title_justify = f"Parts of {mix}, trials together", "left"
    table.add_column("Part")
    table.add_column("App")
    for title in ("Trials", "Asked", "Answered", *(f.title for f in FIGURES if f.key in SHOWN)):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows(campaign, mix):
        settings = settings_text(varied_settings(row.group.first, campaign))
        cells = [
            row.part,
            f"{row.group.label}{f' ({settings})' if settings else ''}",
            f"{len(row.group.counted)} of {len(row.group.records)}",
            percent(row.asked_percent),
            percent(row.answered_percent),
            *(_told(row.group, figure.key) for figure in FIGURES if figure.key in SHOWN),
        ]
        table.add_row(*map(Text, cells), style=STYLES[row.group.standing])
    return table


def _told(group: Group, key: str) -> str:
    summary = group.summary(key)
    return group.told(key, summary.median if summary else None)
