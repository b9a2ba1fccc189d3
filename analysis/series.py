"""A series, all campaigns of an article asked again: read from its folder, its claims judged."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from analysis import ramp
from analysis.claims import Evidence, Judgement, judge
from analysis.groups import NOT_COUNTED, reasons, standing
from analysis.load import LoadedCampaign, load
from analysis.measured import Span, of_run
from testbed import results
from testbed.errors import TestbedError
from testbed.model.article import CellRef, Claim, Metric, Mode, Series, SeriesPart
from testbed.model.results import RunRecord

FILE = "series.json"
RAMP_METRICS: tuple[Metric, ...] = ("slowdown_users", "errors_users")
SMALL = "Small scale: shorter, and lighter where the article says so; to be quick, not exact."


@dataclass(frozen=True)
class LoadedPart:
    """One campaign of a series; None: nothing of it has been measured yet."""

    about: SeriesPart
    campaign: LoadedCampaign | None

    @property
    def lacks(self) -> str | None:
        """What of it is not there, in a sentence; None if all is."""
        if self.campaign is None:
            return "not measured"
        missing = len(self.campaign.not_measured)
        if missing:
            return f"{missing} of {len(self.campaign.campaign.runs)} runs not measured"
        return None if self.campaign.campaign.ended_at else "not ended"


@dataclass(frozen=True)
class LoadedSeries:
    """A series folder."""

    folder: Path
    series: Series
    parts: list[LoadedPart]

    @property
    def modes(self) -> list[Mode]:
        """The ways in which the question was asked, in the order carried out."""
        return list(dict.fromkeys(part.about.mode for part in self.parts))

    @property
    def lacks(self) -> list[str]:
        """What is not there, a phrase per campaign; empty if the series is complete."""
        found = [f"{p.about.mode}/{p.about.part}: {p.lacks}" for p in self.parts if p.lacks]
        return found or ([] if self.series.ended_at else ["the series has not ended"])

    @property
    def small(self) -> bool:
        """Whether it was shortened."""
        return self.series.scale == "small"

    @property
    def titles(self) -> dict[str, str]:
        """What each app is called, as far as any campaign tells."""
        campaigns = [part.campaign for part in self.parts if part.campaign]
        return {r.record.app: r.record.app_title for one in campaigns for r in one.runs}

    def campaign(self, mode: Mode, part: str) -> LoadedCampaign | None:
        """A part's campaign."""
        for loaded in self.parts:
            if (loaded.about.mode, loaded.about.part) == (mode, part):
                return loaded.campaign
        return None


def is_series(folder: Path) -> bool:
    """Whether the folder holds a series."""
    return (folder / FILE).is_file()


def load_one(folder: Path) -> LoadedCampaign:
    """The campaign in `folder`. Raises TestbedError; of a series, with its campaigns' names."""
    if is_series(folder):
        series = results.read(folder / FILE, Series)
        raise TestbedError(
            f"{folder}: a series of {len(series.parts)} campaigns, not one campaign",
            remedy=f"name one of them: {', '.join(str(folder / p.campaign) for p in series.parts)}",
        )
    return load(folder)


def load_series(folder: Path) -> LoadedSeries:
    """Read the series in `folder`. Raises TestbedError, naming the file, for what does not fit."""
    if not is_series(folder):
        raise TestbedError(
            f"{folder}: not a series: no {FILE} in it",
            remedy="name a folder that `fab run-article` wrote, results/<series>",
        )
    series = results.read(folder / FILE, Series)
    parts = [LoadedPart(part, _campaign(folder / part.campaign)) for part in series.parts]
    return LoadedSeries(folder, series, parts)


def _campaign(folder: Path) -> LoadedCampaign | None:
    begun = (folder / "campaign.json").is_file() and any(folder.glob("[!.]*/run.json"))
    return load(folder) if begun else None


def judgements(loaded: LoadedSeries, mode: Mode) -> list[Judgement]:
    """All claims that are asked in a mode, judged, in the order of the article's file."""
    claims = loaded.series.published.claims.items()
    return [_judged(loaded, name, claim, mode) for name, claim in claims if mode in claim.compare]


def _judged(loaded: LoadedSeries, name: str, claim: Claim, mode: Mode) -> Judgement:
    comparison = claim.compare[mode]
    of = evidence(loaded, mode, comparison.of, claim.metric)
    other = comparison.to
    to = None if other is None else evidence(loaded, mode, other, claim.metric)
    return judge(name, claim, mode, of, to)


def evidence(loaded: LoadedSeries, mode: Mode, cell: CellRef, metric: Metric) -> Evidence:
    """What the trials of a cell say of a metric; failed and invalid ones are left out."""
    campaign = loaded.campaign(mode, cell.part)
    records = [] if campaign is None else _records(campaign, cell)
    variant = "" if cell.variant == "default" else f", {cell.variant}"
    label = f"{loaded.titles.get(cell.app, cell.app)}, {cell.endpoint}{variant}"
    if campaign is None or not records:
        return Evidence(f"{label} (part {cell.part})", [], 0)
    trials = {
        found[1]
        for run_id in campaign.campaign.runs
        if (found := re.search(rf"-{_name(cell)}-t(\d+)(?:-|$)", run_id))
    }
    by_ramp = metric in RAMP_METRICS
    if by_ramp != (ramp.of(campaign) is not None):
        why = f"{metric} is a figure of ramps, and only of them."
        return Evidence(label, [], len(trials), [why])
    known = _onsets(records, metric) if by_ramp else _figures(records, metric)
    left_out = [] if by_ramp else [why_left_out(r) for r in records if r.trial not in known]
    if by_ramp:
        left_out = [why_left_out(r) for r in records if standing(r) in NOT_COUNTED]
    missing = len(trials) - len({record.trial for record in records})
    if missing:
        left_out.append(f"{missing} trial{'s' if missing > 1 else ''} not measured.")
    return Evidence(
        label=label,
        spans=list(known.values()),
        planned=len(trials),
        left_out=left_out,
        doubtful=doubts(records),
        calibration=any(record.calibration for record in records),
    )


def _records(campaign: LoadedCampaign, cell: CellRef) -> list[RunRecord]:
    wanted = (cell.app, cell.endpoint, cell.variant)
    return [
        run.record
        for run in campaign.runs
        if (run.record.app, run.record.endpoint, run.record.variant) == wanted
    ]


def _name(cell: CellRef) -> str:
    return re.escape(f"{cell.app}-{cell.endpoint}-{cell.variant}")


def _figures(records: list[RunRecord], metric: Metric) -> dict[int, Span]:
    """By trial, of those that count and tell it."""
    return {
        record.trial: span
        for record in sorted(records, key=lambda record: record.trial)
        if standing(record) in ("valid", "doubtful") and (span := of_run(record, metric))
    }


def _onsets(records: list[RunRecord], metric: Metric) -> dict[int, Span]:
    trials = ramp.ramp(records, "").trials
    onsets = {t.number: t.slowdown if metric == "slowdown_users" else t.errors for t in trials}
    return {number: span for number, onset in onsets.items() if (span := onset.span)}


def why_left_out(record: RunRecord) -> str:
    """Why a run does not count."""
    said = reasons(record)
    word = standing(record).capitalize() if standing(record) in NOT_COUNTED else None
    first = next((sentence for sentence in said if word and sentence.startswith(word)), None)
    why = first or "Its generator does not tell this figure."
    return f"Trial {_which(record)}: {textwrap.shorten(why.rstrip('.'), 160, placeholder=' …')}."


def _which(record: RunRecord) -> str:
    """The trial, and of a ramp the step."""
    return record.run_id.rpartition("-t")[2].replace("-", ", step ")


def doubts(records: list[RunRecord]) -> list[str]:
    """Doubts about runs that count, each once, with the trials that have it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        if standing(record) == "doubtful":
            for finding in record.findings:
                if finding.verdict == "doubtful":
                    item = (_which(record), _clause(finding.sentence))
                    found.setdefault(finding.check, []).append(item)
    return [
        f"{items[0][1]} (trial {'; '.join(which for which, _ in items)})."
        for items in found.values()
    ]


def _clause(sentence: str) -> str:
    """What a sentence says before its colon; all of it stands in the campaign's report."""
    short = textwrap.shorten(sentence.split(": ")[0].rstrip("."), 100, placeholder=" …")
    return f"{short[:1].upper()}{short[1:]}"
