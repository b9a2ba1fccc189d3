"""Fill the tables of `export` (analysis/export/rows.py) from a campaign. Pure functions."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from typing import Any, get_args

import pandas as pd

from analysis import capacities, gave_out, mixes, other_service
from analysis.export.rows import TABLES, Row
from analysis.figures import ERROR_CLASSES, FIGURES
from analysis.groups import endpoints, groups, settings_text
from analysis.load import LoadedCampaign
from analysis.measured import of_figure
from analysis.ratio import finite
from analysis.trials import counts
from testbed.model.results import RunRecord

DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}


def frame(name: str, campaigns: Iterable[LoadedCampaign]) -> pd.DataFrame:
    """Return a table of several campaigns; each column has the type of its model's field."""
    rows = [
        {"campaign": one.campaign.campaign, **row} for one in campaigns for row in ROWS[name](one)
    ]
    made = pd.DataFrame(rows, columns=list(TABLES[name].model_fields), dtype=object)
    return made.astype(dtypes(TABLES[name]))


def dtypes(model: type[Row]) -> dict[str, str]:
    """Return the pandas type of each column; all of them know missing values."""
    found = {}
    for name, field in model.model_fields.items():
        kinds = get_args(field.annotation) or (field.annotation,)
        found[name] = next(DTYPES[kind] for kind in kinds if kind in DTYPES)
    return found


def _where(record: RunRecord) -> dict[str, Any]:
    return {"endpoint": record.endpoint, "app": record.app, "variant": record.variant}


def _trial(record: RunRecord) -> dict[str, Any]:
    return _where(record) | {"run_id": record.run_id, "trial": record.trial}


def _records(campaign: LoadedCampaign) -> Iterator[RunRecord]:
    return (run.record for run in campaign.runs)


def _runs(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    for record in _records(campaign):
        load, output = record.load, record.output
        errors = output.errors.model_dump() if output else {}
        yield _trial(record) | {
            "app_title": record.app_title,
            "workload": record.workload,
            "place": campaign.campaign.place,
            "settings": settings_text(dict(sorted(record.settings.items()))) or None,
            "generator": load.generator,
            "generator_version": record.generator_version,
            "mode": load.mode,
            "asked_rate_rps": load.rate_rps,
            "arrivals": load.arrivals,
            "connections": load.connections,
            "asked_duration_s": load.duration_s,
            "upstream_latency_ms": other_service.latency_ms(record),
            "keepalive": load.keepalive,
            "calibration": record.calibration,
            "started_at": record.started_at.astimezone(UTC).isoformat(),
            "duration_s": output.duration_s if output else None,
            "requests": output.requests if output else None,
            "generator_cpu_percent": output.cpu_percent if output else None,
            "generator_lag_p99_us": output.lag_us.percentiles.get("99")
            if output and output.lag_us
            else None,
            "drift_percent": record.drift_percent,
            "response_drift_percent": record.response_drift_percent,
            "gave_out": gave_out.words(record) or None,
            **{f"errors_{name}": errors.get(name) for name in ERROR_CLASSES},
            "counts": counts(record),
            "verdict": record.standing,
        }


def _trials(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    for record in _records(campaign):
        for figure in FIGURES:
            span = of_figure(record, figure, campaign.counted(record))
            yield _trial(record) | {
                "asked_rate_rps": record.load.rate_rps,
                "connections": record.load.connections,
                "figure": figure.key,
                "value": span and finite(span.value),
                "at_least": span and finite(span.low),
                "at_most": span and finite(span.high),
                "counts": counts(record),
            }


def _cells(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    for group in (one for name in endpoints(campaign) for one in groups(campaign, name)):
        load = group.first.load
        for figure in FIGURES:
            summary = group.summary(figure.key)
            low, high = (summary.interval if summary else None) or (None, None)
            yield _where(group.first) | {
                "app_title": group.first.app_title,
                "generator": load.generator,
                "mode": load.mode,
                "asked_rate_rps": load.rate_rps,
                "arrivals": load.arrivals,
                "connections": load.connections,
                "calibration": group.first.calibration,
                "figure": figure.key,
                "trials": len(group.records),
                "trials_counted": len([one for one in group.records if counts(one)]),
                "value": summary and finite(summary.mean),
                "median": summary and finite(summary.median),
                "least": summary and finite(summary.low),
                "greatest": summary and finite(summary.high),
                "ci95_low": finite(low),
                "ci95_high": finite(high),
                "lower_bound": group.censored,
                "gave_out": gave_out.of_trials(group.counted) or None,
                "verdict": group.standing,
            }


def _findings(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    for record in _records(campaign):
        if record.failure:
            yield {
                "run_id": record.run_id,
                "check": "failure",
                "verdict": record.standing,
                "sentence": f"{record.failure.stage}: {record.failure.message}",
            }
        for finding in record.findings:
            yield {"run_id": record.run_id, **finding.model_dump()}


def _seconds(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    wanted = [name for name in TABLES["seconds"].model_fields if name not in ("campaign", "run_id")]
    for run in campaign.runs:
        if run.timeline is None or "second" not in run.timeline:
            continue
        output = run.record.output
        end = (output.duration_s if output else None) or run.record.load.duration_s
        for line in run.timeline.reindex(columns=wanted).to_dict("records"):
            if pd.isna(line["second"]):
                continue
            second = float(line["second"])
            phase = "warmup" if second < 0 else "measured" if second < end else "drain"
            told = {str(key): None if pd.isna(value) else value for key, value in line.items()}
            yield {"run_id": run.record.run_id, **told, "phase": phase}


def _parts(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    if not mixes.mixes(campaign):
        return
    shared = [name for name in TABLES["parts"].model_fields if name not in ("campaign", "value")]
    for line in mixes.frame(campaign).to_dict("records"):
        for figure in FIGURES:
            told = {name: line.get(name) for name in shared if name != "figure"}
            yield told | {"figure": figure.key, "value": line[figure.key]}


def _capacities(campaign: LoadedCampaign) -> Iterator[dict[str, Any]]:
    if campaign.campaign.capacities:
        wanted = [name for name in TABLES["capacities"].model_fields if name != "campaign"]
        for line in capacities.frame(campaign).to_dict("records"):
            yield {name: line[name] for name in wanted}


ROWS: dict[str, Callable[[LoadedCampaign], Iterator[dict[str, Any]]]] = {
    "runs": _runs,
    "trials": _trials,
    "cells": _cells,
    "findings": _findings,
    "seconds": _seconds,
    "parts": _parts,
    "capacities": _capacities,
}
