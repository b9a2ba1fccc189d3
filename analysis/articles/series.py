"""Read a series from its folder and judge its claims.

A series is the set of all campaigns in which an article was asked again.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from analysis import ramp
from analysis.articles.claims import Judgement, judge
from analysis.folders import is_series, lacks, read_series
from analysis.load import LoadedCampaign, load
from analysis.measured import as_far_as_known, of_metric, why_not_exact
from analysis.merged import merging
from analysis.ratio import Span
from analysis.trials import CellTrials, cell_trials, counts, told_by
from testbed.errors import TestbedError
from testbed.model.article import CellRef, Claim, Metric, Mode, Series, SeriesPart
from testbed.model.results import CAMPAIGN_FILE, RUN_FILE, SERIES_FILE, RunRecord
from testbed.texts import shown_name

RAMP_METRICS: tuple[Metric, ...] = ("slowdown_users", "errors_users")
SMALL = "Small scale: shorter, and lighter where the article says so; to be quick, not exact."


@dataclass(frozen=True)
class LoadedPart:
    """One campaign of a series. `campaign` is None where nothing of it has been measured yet."""

    about: SeriesPart
    campaign: LoadedCampaign | None

    @property
    def lacks(self) -> str | None:
        """What is missing of the campaign, as a phrase; None if it is complete."""
        return "not measured" if self.campaign is None else lacks(self.campaign)


@dataclass(frozen=True)
class LoadedSeries:
    """A series folder: the series, and its campaigns as far as they were measured."""

    folder: Path
    series: Series
    parts: list[LoadedPart]

    @property
    def modes(self) -> list[Mode]:
        """The modes in which the article was asked again, in the order carried out."""
        return list(dict.fromkeys(part.about.mode for part in self.parts))

    @property
    def lacks(self) -> list[str]:
        """What is missing, a phrase for each campaign; an empty list if the series is complete."""
        found = [f"{p.about.mode}/{p.about.part}: {p.lacks}" for p in self.parts if p.lacks]
        return found or ([] if self.series.ended_at else ["the series has not ended"])

    @property
    def small(self) -> bool:
        """Whether the series ran at the small scale, with shorter runs."""
        return self.series.scale == "small"

    @property
    def titles(self) -> dict[str, str]:
        """The title of each app by its name, as recorded in the campaigns measured so far."""
        campaigns = [part.campaign for part in self.parts if part.campaign]
        return {r.record.app: r.record.app_title for one in campaigns for r in one.runs}

    def campaign(self, mode: Mode, part: str) -> LoadedCampaign | None:
        """Return a part's campaign; None where nothing of it has been measured yet."""
        for loaded in self.parts:
            if (loaded.about.mode, loaded.about.part) == (mode, part):
                return loaded.campaign
        return None


def load_series(folder: Path) -> LoadedSeries:
    """Read the series in `folder`.

    Raises TestbedError, which names the file, if a file is missing, damaged or does not fit.
    """
    if not is_series(folder):
        raise TestbedError(
            f"{shown_name(folder)}: not a series: no {SERIES_FILE} in it",
            remedy="name a folder that `fab run-article` wrote, results/<series>",
        )
    series = read_series(folder)
    parts = [LoadedPart(part, _campaign(folder / part.campaign)) for part in series.parts]
    return LoadedSeries(folder, series, parts)


def _campaign(folder: Path) -> LoadedCampaign | None:
    """Load a campaign of the series; return None where no run of it has been measured yet."""
    begun = (folder / CAMPAIGN_FILE).is_file() and any(folder.glob(f"[!.]*/{RUN_FILE}"))
    return load(folder) if begun else None


def judgements(loaded: LoadedSeries, mode: Mode) -> list[Judgement]:
    """Judge all claims that apply to a mode, in the order of the article's file."""
    claims = loaded.series.published.claims.items()
    return [_judged(loaded, name, claim, mode) for name, claim in claims if mode in claim.compare]


def _judged(loaded: LoadedSeries, name: str, claim: Claim, mode: Mode) -> Judgement:
    cells = claim.compare[mode]
    of = trials_of(loaded, mode, cells.of, claim.metric)
    to = None if cells.to is None else trials_of(loaded, mode, cells.to, claim.metric)
    return judge(name, claim, mode, of, to)


def trials_of(loaded: LoadedSeries, mode: Mode, cell: CellRef, metric: Metric) -> CellTrials:
    """Return what a cell's trials measured of a metric; `spans` is empty if no trial counts."""
    campaign = loaded.campaign(mode, cell.part)
    records = [] if campaign is None else _records(campaign, cell)
    variant = "" if cell.variant == "default" else f", {cell.variant}"
    label = f"{loaded.titles.get(cell.app, cell.app)}, {cell.endpoint}{variant}"
    if campaign is None or not records:
        return CellTrials(f"{label} (part {cell.part})", [], 0)
    planned = _planned(campaign, cell)
    by_ramp = metric in RAMP_METRICS
    if by_ramp != (ramp.of(campaign) is not None):
        why = f"{metric} is a figure of ramps, and only of them."
        return CellTrials(label, [], planned, [why])
    if by_ramp:
        left_out = [record for record in records if not counts(record)]
        return cell_trials(label, records, planned, _onsets(records, metric), left_out)
    return told_by(
        label,
        records,
        planned,
        lambda record: as_far_as_known(
            record, metric, of_metric(record, metric, campaign.counted(record))
        ),
        merging(campaign, metric),
        why_not_exact(records, metric),
    )


def _records(campaign: LoadedCampaign, cell: CellRef) -> list[RunRecord]:
    wanted = (cell.app, cell.endpoint, cell.variant)
    return [
        run.record
        for run in campaign.runs
        if (run.record.app, run.record.endpoint, run.record.variant) == wanted
    ]


def _planned(campaign: LoadedCampaign, cell: CellRef) -> int:
    """Return how many trials of the cell the campaign planned, counted from the ids of its runs."""
    name = re.escape(f"{cell.app}-{cell.endpoint}-{cell.variant}")
    found = (re.search(rf"-{name}-t(\d+)(?:-|$)", run_id) for run_id in campaign.campaign.runs)
    return len({match[1] for match in found if match})


def _onsets(records: list[RunRecord], metric: Metric) -> dict[int, Span]:
    """Return where each trial of a ramp begins to be slow or to fail, in users or connections.

    The key is the number of the trial. A trial whose onset is not known is left out.
    """
    trials = ramp.ramp(records, "").trials
    onsets = {t.number: t.slowdown if metric == "slowdown_users" else t.errors for t in trials}
    return {number: span for number, onset in onsets.items() if (span := onset.span)}
