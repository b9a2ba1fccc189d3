"""Run `noise`: say how much a place's figures vary, from campaigns of an app against itself.

Each campaign measured one app under two names, in turn. Whatever differs between the names is
noise. Within a campaign, a trial scatters by itself, and a block adds the same to both names; from
campaign to campaign, their means differ. The document that is written has all three for each
figure, and `compare` reads it (analysis/compare/noise.py).
"""

import math
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text
from scipy.special import bdtrc

from analysis.compare import versions
from analysis.compare.cells import COMPARABLE, CellLoad, Where, trials_of
from analysis.compare.noise import FOLDER, LEAST_FREEDOM, hosts_of
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT, compare
from analysis.figures import Figure
from analysis.intervals import CONFIDENCE
from analysis.load import LoadedCampaign, load
from analysis.text_table import text_table
from analysis.trials import CellTrials, in_blocks, spans_of
from testbed import files, store
from testbed.errors import Exit, TestbedError
from testbed.model.noise import Noise, NoiseCell
from testbed.numbers import MISSING, rough
from testbed.texts import shown_name

RARE = 0.01  # the chance at which it is reported that an app differs from itself too often
Pair = tuple[CellTrials, CellTrials]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `noise`."""
    parser.add_argument("folder", type=files.named, help="folder that fab run-aa wrote")


def command(arguments: Namespace, console: Console) -> int:
    """Print the noise, write its document, and return the exit code. Raises TestbedError."""
    campaigns = repeats(arguments.folder)
    found = noise(campaigns)
    path = arguments.folder.resolve().parent / FOLDER / f"{arguments.folder.resolve().name}.json"
    store.write(path, found)
    verdicts = Counter(verdict(one) for one in campaigns)
    for line in summary(found, verdicts):
        console.print(Text(line))
    _show(found, console)
    console.print(Text(f"\nwritten for compare: {shown_name(path)}"))
    different = verdicts["different"]
    judged = verdicts.total() - verdicts["not judged"]
    if not judged:
        return Exit.NOT_VALID
    return Exit.WORSE if bdtrc(different - 1, judged, 1 - CONFIDENCE) < RARE else 0


def repeats(folder: Path) -> list[LoadedCampaign]:
    """Return the campaigns in a folder that measured an app against itself, the oldest first.

    Campaigns that have not ended are left out. Raises TestbedError if fewer than two are left.
    """
    files.check_folder(folder, "name the folder that fab run-aa wrote, below results/")
    paths = sorted(path.parent for path in folder.glob("*/campaign.json"))
    found = [one for one in map(load, paths) if one.campaign.ended_at and _is_itself(one)]
    if len(found) < 2:
        raise TestbedError(
            f"{shown_name(folder)}: {len(found)} campaigns of an app against itself; two are the "
            "least from which noise is known",
            remedy="`fab run-aa` makes as many as --repeats says",
        )
    return sorted(found, key=lambda one: one.campaign.created_at)


def _is_itself(loaded: LoadedCampaign) -> bool:
    named = loaded.campaign.versions
    return named is not None and not named.differences


def verdict(loaded: LoadedCampaign) -> str:
    """Return whether the app is told from itself in any cell: 'different', 'tie', 'not judged'."""
    found = compare(*versions.sides(loaded), [], DEFAULT_TOLERANCE_PERCENT, None)
    if found.verdicts["better"] or found.verdicts["worse"]:
        return "different"
    return "tie" if any(cell.chance is not None for cell in found.cells) else "not judged"


def noise(campaigns: Sequence[LoadedCampaign]) -> Noise:
    """Return the document of the noise of these campaigns, of one app at one place.

    A figure is left out if it was zero in any campaign, or known by its bounds only: its scatter
    has no percentage.
    """
    first = campaigns[0].campaign
    named = first.versions
    if named is None or len({one.campaign.workload for one in campaigns}) != 1:
        raise TestbedError("these campaigns measure different things")
    cells = []
    for metric in COMPARABLE.values():
        pairs = {one.campaign.created_at: _pairs(one, metric) for one in campaigns}
        for key in dict.fromkeys(key for found in pairs.values() for key in found):
            measured = {began: found[key] for began, found in pairs.items() if key in found}
            cell = _cell(*key, metric, measured, first.apps.get(named.old.app))
            if cell is not None:
                cells.append(cell)
    return Noise(
        schema_version=1,
        place=first.place,
        hosts=hosts_of(first),
        workload=first.workload,
        experiment=first.experiment,
        app=named.app,
        campaigns=[one.campaign.campaign for one in campaigns],
        measured_from=first.created_at,
        measured_to=campaigns[-1].campaign.ended_at or campaigns[-1].campaign.created_at,
        cells=cells,
    )


def _pairs(loaded: LoadedCampaign, metric: Figure) -> dict[tuple[Where, CellLoad], Pair]:
    """Return both names' trials of each cell; those without a trial on a side are left out."""
    of_old, of_new = (trials_of(side, metric, "") for side in versions.sides(loaded))
    return {
        (where, cell_load): (old, of_new[where][cell_load])
        for where, loads in of_old.items()
        for cell_load, old in loads.items()
        if old.spans and of_new.get(where, {}).get(cell_load, CellTrials("", [], 0)).spans
    }


def _cell(
    where: Where,
    cell_load: CellLoad,
    metric: Figure,
    measured: Mapping[datetime, Pair],
    digest: str | None,
) -> NoiseCell | None:
    """Return the noise of one figure of a cell; None if it has no percentage.

    `measured` has both names' trials by when their campaign began.
    """
    pairs = list(measured.values())
    sides = [side for pair in pairs for side in pair]
    if len(pairs) < 2 or any(span.low <= 0 or not span.known for s in sides for span in s.spans):
        return None
    means = [float(np.mean([span.value for side in pair for span in side.spans])) for pair in pairs]
    trial, block = _within(pairs)
    return NoiseCell(
        app=where.app,
        digest=digest,
        endpoint=where.endpoint,
        variant=where.variant,
        load=cell_load.load,
        search=cell_load.search,
        metric=metric.key,
        means=means,
        began=list(measured),
        trial_sd_percent=_percent(trial),
        block_sd_percent=_percent(block),
        between_sd_percent=100 * float(np.expm1(np.log(means).std(ddof=1))),
        by_trials_sd_percent=_by_trials(pairs),
    )


def _within(pairs: Sequence[Pair]) -> tuple[float | None, float | None]:
    """Return the variances of trials and of blocks within campaigns, of the logarithm.

    Trials scatter by half the variance of the differences between both names. Of the means of both
    names, half of that again is the trials' own; the rest is the blocks'. Both are None if no
    campaign has two blocks, which alone show them.
    """
    differences, middles, freedom = 0.0, 0.0, 0
    for old, new in pairs:
        numbers = in_blocks(old, new)
        if len(numbers) > 1:
            a, b = (np.log([s.value for s in spans_of(side, numbers)]) for side in (old, new))
            differences += float(((a - b).var(ddof=1)) * (len(numbers) - 1))
            middles += float((((a + b) / 2).var(ddof=1)) * (len(numbers) - 1))
            freedom += len(numbers) - 1
    if not freedom:
        return None, None
    trial = differences / freedom / 2
    return trial, max(0.0, middles / freedom - trial / 2)


def _by_trials(pairs: Sequence[Pair]) -> list[float] | None:
    """Return for each campaign what its trials leave to chance in its mean, in percent.

    Return None if a campaign has fewer than two blocks: they do not show it.
    """
    found = []
    for old, new in pairs:
        numbers = in_blocks(old, new)
        if len(numbers) < 2:
            return None
        blocks = np.log([[s.value for s in spans_of(side, numbers)] for side in (old, new)])
        error = float(blocks.mean(axis=0).std(ddof=1)) / len(numbers) ** 0.5
        found.append(100 * math.expm1(error))
    return found


def _percent(variance: float | None) -> float | None:
    return None if variance is None else 100 * float(np.expm1(variance**0.5))


def summary(found: Noise, verdicts: Counter[str]) -> list[str]:
    """Return what the campaigns say in sentences."""
    judged = verdicts.total() - verdicts["not judged"]
    lines = [
        f"{found.app} against itself, experiment {found.experiment}, {verdicts.total()} campaigns: "
        f"a tie in {verdicts['tie']} of {judged} that could be judged"
        + (f"; {verdicts['not judged']} could not" if verdicts["not judged"] else ""),
        f"By chance, {100 * (1 - CONFIDENCE):.0f} of 100 campaigns or fewer call a difference "
        f"beyond {DEFAULT_TOLERANCE_PERCENT:g} %.",
    ]
    if len(found.campaigns) <= LEAST_FREEDOM:
        lines.append(
            f"Fewer than {LEAST_FREEDOM + 1} campaigns: compare takes this noise only together "
            "with more of it."
        )
    return lines


def _show(found: Noise, console: Console) -> None:
    table = text_table()
    for title in ("Endpoint", "Variant", "Load", "Figure"):
        table.add_column(title)
    for title in ("Trial", "Block", "Between campaigns"):
        table.add_column(title, justify="right")
    for cell in found.cells:
        spreads = (cell.trial_sd_percent, cell.block_sd_percent, cell.between_sd_percent)
        told = (MISSING if one is None else f"{rough(one)} %" for one in spreads)
        load_text = CellLoad(cell.load, cell.search).text
        title = COMPARABLE[cell.metric].title
        table.add_row(*map(Text, (cell.endpoint, cell.variant, load_text, title, *told)))
    console.print(Text("\nStandard deviations", style="bold"))
    console.print(table)
