"""Write comparisons as JSON: whole, and in the forms that trackers of benchmarks read.

- github-action-benchmark takes a list of `name`, `unit`, `value`, `range` and `extra`, from a file
  in which smaller is better (its tool `customSmallerIsBetter`) and another one in which bigger is
  (`customBiggerIsBetter`): https://github.com/benchmark-action/github-action-benchmark
- Bencher takes its Metric Format: by benchmark and measure a `value`, `lower_value` and
  `upper_value`: https://bencher.dev/docs/reference/bencher-metric-format
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from analysis.compare.noise import Known
from analysis.compare.rule import Cell, Comparison
from analysis.compare.show import STYLES, cell_name, interval_text, ratio_text
from analysis.load import LoadedCampaign
from analysis.ratio import finite
from testbed.errors import TestbedError
from testbed.numbers import written_out

UNITS = {"_rps": "responses/s", "_us": "µs", "_percent": "%"}  # by the end of a figure's key
LONGEST_NAME = 1024  # of a benchmark, to Bencher


def as_json(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as JSON for other programs; an infinite end of an interval is null.

    One comparison is the whole document. Several stand in a list, below the baseline.
    """
    documents = [_comparison(found) for found in comparisons]
    if len(documents) == 1:
        return _written({"schema_version": 1} | documents[0])
    several = [
        {"label": found.label} | {key: value for key, value in document.items() if key != "a"}
        for found, document in zip(comparisons, documents, strict=True)
    ]
    return _written({"schema_version": 1, "a": documents[0]["a"], "comparisons": several})


def _written(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False)


def _comparison(found: Comparison) -> dict[str, Any]:
    named = found.a.campaign.versions if found.together else None
    return {
        "a": _campaign(found.a),
        "b": _campaign(found.b),
        "together": found.together,
        "tolerance_percent": found.tolerance_percent,
        "wanted_percent": found.wanted_percent,
        "verdicts": {word: found.verdicts[word] for word in STYLES},
        "cells": [_as_dict(cell) for cell in found.cells],
        "versions": named and named.model_dump(mode="json"),
        "differences": [*map(asdict, found.code), *map(asdict, found.differences)],
    }


def _campaign(loaded: LoadedCampaign) -> dict[str, Any]:
    about = loaded.campaign
    return {
        "campaign": about.campaign,
        "experiment": about.experiment,
        "place": about.place,
        "not_measured": loaded.not_measured,
    }


def _as_dict(cell: Cell) -> dict[str, Any]:
    return {
        "endpoint": cell.where.endpoint,
        "app": cell.where.app,
        "variant": cell.where.variant,
        "load": cell.load.load.model_dump(),
        "search": cell.load.search and cell.load.search.model_dump(),
        "metric": cell.metric.key,
        "verdict": cell.verdict,
        "reason": cell.reason,
        "p_value": cell.chance,
        "p_value_holm": cell.chance_of_all,
        "could_show_ratio": cell.could_show,
        "trials_wanted": cell.trials_wanted,
        "noise_between": cell.noise and _noise_as_dict(cell.noise),
        "remarks": cell.remarks,
        "a": cell.a.document(),
        "b": cell.b.document(),
        "ratio": cell.ratio and cell.ratio.document(),
    }


def _noise_as_dict(known: Known) -> dict[str, Any]:
    return {
        "sd_percent": 100 * math.expm1(known.between.variance**0.5),
        "freedom": finite(known.between.freedom),
        "basis": known.basis,
    }


def for_github(comparisons: Sequence[Comparison], *, bigger: bool) -> str:
    """Return the judged campaign's figures as github-action-benchmark reads them.

    Only those of which more, or less, is better: it takes a file for each. Raises TestbedError if
    several campaigns are judged.
    """
    entries = []
    for cell, value, low, high in _figures(comparisons):
        if cell.metric.more_is_better == bigger:
            told = f"{ratio_text(cell)} ({interval_text(cell.ratio)})"
            entries.append(
                {
                    "name": f"{cell_name(cell)}: {cell.metric.key}",
                    "unit": _unit(cell),
                    "value": value,
                    "range": f"{written_out(low)} to {written_out(high)}",
                    "extra": f"{len(cell.b.spans)} trials\nratio to the baseline: {told}\n"
                    f"verdict: {cell.verdict}\n{cell.reason}",
                }
            )
    return _written(entries)


def for_bencher(comparisons: Sequence[Comparison]) -> str:
    """Return the judged campaign's figures in Bencher's Metric Format.

    Raises TestbedError if several campaigns are judged.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for cell, value, low, high in _figures(comparisons):
        measures = found.setdefault(cell_name(cell)[:LONGEST_NAME], {})
        measures[cell.metric.key.replace("_", "-")] = {
            "value": value,
            "lower_value": low,
            "upper_value": high,
        }
    return _written(found)


def _figures(comparisons: Sequence[Comparison]) -> list[tuple[Cell, float, float, float]]:
    """Return the cells of the judged campaign with the figure, and its least and greatest trial.

    Cells without a trial that counts, and figures without an upper end, are left out.
    """
    if len(comparisons) > 1:
        raise TestbedError(
            f"a tracker takes the figures of one campaign, not of {len(comparisons)}",
            remedy="name one campaign to judge, and the baseline",
        )
    found = []
    for cell in comparisons[0].cells:
        values = [span.value for span in cell.b.spans]
        mean = finite(cell.b.mean)
        if mean is not None and values and all(map(math.isfinite, values)):
            found.append((cell, mean, min(mean, *values), max(mean, *values)))
    return found


def _unit(cell: Cell) -> str:
    """Return the unit at the end of a figure's key; of a count, what is counted."""
    key = cell.metric.key
    return next((unit for end, unit in UNITS.items() if key.endswith(end)), "count")
