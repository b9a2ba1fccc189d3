"""Runs brought together: the trials of one app, endpoint, variant and load are one group."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.figures import BY_KEY, ERROR_CLASSES, rate
from analysis.load import LoadedCampaign, LoadedRun
from analysis.statistics import Summary, summarise
from testbed.model.results import RunRecord, Standing
from testbed.model.tool_output import Tool, ToolOutput

WORST_LAST: tuple[Standing, ...] = ("valid", "doubtful", "invalid", "failed", "interrupted")
WITHOUT_FIGURES: tuple[Standing, ...] = ("failed", "interrupted")
NOT_COUNTED: tuple[Standing, ...] = ("invalid", *WITHOUT_FIGURES)
DEFAULT_VARIANT = "default"
# These tools keep a schedule and count a response from when it was due; the others (closed loop)
# only know when they sent.
FROM_DUE: tuple[Tool, ...] = ("wrk2", "pacer")


def standing(record: RunRecord) -> Standing:
    """The run's verdict, or why it has no figures."""
    return record.standing


def reasons(record: RunRecord) -> list[str]:
    """Sentences: why the run failed, is invalid or doubtful, and remarks on its figures."""
    found = []
    if record.failure:
        word = standing(record).capitalize()
        found.append(f"{word} at '{record.failure.stage}': {record.failure.message}")
    elif record.output is None:
        found.append("Failed: no figures were recorded.")
    found += [
        f"Earlier attempt {number}, {'interrupted' if one.interrupted else 'failed'} at "
        f"'{one.stage}': {one.message}"
        for number, one in enumerate(record.earlier_failures, start=1)
    ]
    ranked = sorted(
        record.findings,
        key=lambda finding: -WORST_LAST.index(finding.verdict),
    )
    # A finding that leaves the run valid is a remark on how to read its figures.
    words = {"valid": "Remark", "doubtful": "Doubtful", "invalid": "Invalid"}
    found += [f"{words[finding.verdict]}: {finding.sentence}" for finding in ranked]
    if not found and record.verdict != "valid":
        found.append(f"{record.verdict.capitalize()}, and no reason was recorded.")
    return found


def censored(record: RunRecord) -> bool:
    """Whether a check found that response times of this run are lower bounds only.

    Requests that were never answered have no response time. With them, every percentile and the
    mean would be higher: a percentile p of the answers is a lower one of the requests due.
    """
    return any(finding.check == "censored" for finding in record.findings)


def generated_by(record: RunRecord) -> str:
    """Who made the load, from where."""
    if record.load.from_host == "server":
        return f"{record.load.generator} on the server, loopback (calibration)"
    return f"{record.load.generator} on the client, over the link"


@dataclass(frozen=True)
class Group:
    """All trials of one app, endpoint, variant and load, in order of their trial."""

    label: str  # as charts name it; distinct among the groups of one endpoint
    endpoint: str
    app: str
    runs: list[LoadedRun]

    @property
    def records(self) -> list[RunRecord]:
        """The runs' records."""
        return [run.record for run in self.runs]

    @property
    def first(self) -> RunRecord:
        """The first trial: what all trials share can be read from it."""
        return self.runs[0].record

    @property
    def counted(self) -> list[RunRecord]:
        """The trials that a summary takes: finished and not invalid.

        If there is none, the invalid ones: they are shown, marked as what they are.
        """
        finished = [one for one in self.records if standing(one) not in WITHOUT_FIGURES]
        return [record for record in finished if standing(record) != "invalid"] or finished

    @property
    def standing(self) -> Standing:
        """The worst standing among the trials that count.

        Where none has figures: 'failed' if the app failed in any, else 'interrupted'.
        """
        found = [standing(record) for record in self.counted]
        nothing: Standing = "failed" if "failed" in map(standing, self.records) else "interrupted"
        return max(found, key=WORST_LAST.index, default=nothing)

    @property
    def censored(self) -> bool:
        """Whether response times of a counted trial are lower bounds only."""
        return any(censored(record) for record in self.counted)

    @property
    def outputs(self) -> list[ToolOutput]:
        """The counted trials' figures."""
        return [record.output for record in self.counted if record.output is not None]

    def summary(self, key: str) -> Summary | None:
        """One figure (by its key in analysis/figures.py) over the counted trials."""
        return summarise([BY_KEY[key].of(output) for output in self.outputs])

    def told(self, key: str, value: float | None) -> str:
        """A figure of this group as text, marked if it is only a lower bound."""
        return BY_KEY[key].told(value, censored=self.censored)

    def mean(self, key: str) -> float | None:
        """The mean of one figure over the counted trials."""
        summary = self.summary(key)
        return summary.mean if summary else None

    def mean_errors(self) -> dict[str, float | None]:
        """Mean count by error class over the counted trials; None: the tool does not tell."""
        result: dict[str, float | None] = {}
        for name in ERROR_CLASSES:
            summary = summarise([getattr(output.errors, name) for output in self.outputs])
            result[name] = summary.mean if summary else None
        return result


def endpoints(campaign: LoadedCampaign) -> list[str]:
    """The endpoints measured, in the order asked, else alphabetically."""
    return _in_order((run.record.endpoint for run in campaign.runs), campaign, "endpoints")


def apps(campaign: LoadedCampaign) -> list[str]:
    """The apps measured, in the order asked, else alphabetically."""
    return _in_order((run.record.app for run in campaign.runs), campaign, "apps")


def groups(campaign: LoadedCampaign, endpoint: str) -> list[Group]:
    """The groups of one endpoint: by app in the order asked, then variant, then load."""
    by_key: dict[tuple[Any, ...], list[LoadedRun]] = {}
    for run in campaign.runs:
        if run.record.endpoint == endpoint:
            by_key.setdefault(_key(run.record), []).append(run)
    order = apps(campaign)
    members = sorted(by_key.items(), key=lambda item: (order.index(item[0][0]), *item[0][1:]))
    several_loads = len({_load_of(runs[0].record) for _, runs in members}) > 1
    return [
        Group(
            label=label(runs[0].record, with_load=several_loads),
            endpoint=endpoint,
            app=runs[0].record.app,
            runs=sorted(runs, key=lambda run: (run.record.trial, run.record.run_id)),
        )
        for _, runs in members
    ]


def label(record: RunRecord, *, with_load: bool = False) -> str:
    """The app's title, with the variant unless it is the default one and, if asked, the load.

    Tables say beside it which settings make the variant.
    """
    parts = [record.app_title]
    if record.variant != DEFAULT_VARIANT:
        parts.append(record.variant)
    if with_load:
        asked = "saturation" if record.load.rate_rps is None else f"{rate(record.load.rate_rps)}/s"
        parts.append(f"{asked}, {record.load.connections} connections, {record.load.generator}")
    return ", ".join(parts)


def varied_settings(record: RunRecord, campaign: LoadedCampaign) -> dict[str, Any]:
    """The run's settings that differ among the runs of its app, or that the experiment sets."""
    others = [run.record.settings for run in campaign.runs if run.record.app == record.app]
    declared = _declared_settings(record, campaign)
    return {
        key: value
        for key, value in sorted(record.settings.items())
        if key in declared or any(other.get(key) != value for other in others)
    }


def settings_text(settings: dict[str, Any]) -> str:
    """Settings as tables write them: 'pool=10, workers=4'."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def has_variants(campaign: LoadedCampaign) -> bool:
    """Whether anything was varied, so that tables must tell the variants apart."""
    return any(
        run.record.variant != DEFAULT_VARIANT or varied_settings(run.record, campaign)
        for run in campaign.runs
    )


def _declared_settings(record: RunRecord, campaign: LoadedCampaign) -> set[str]:
    """Names of the settings that the experiment sets for the run: for all apps of its variant, or
    for its own.
    """
    variants = campaign.campaign.asked.get("variants")
    declared = variants.get(record.variant) if isinstance(variants, dict) else None
    if not isinstance(declared, dict):
        return set()
    for_apps = declared.get("app_settings")
    own = for_apps.get(record.app) if isinstance(for_apps, dict) else None
    told = (part for part in (declared.get("settings"), own) if isinstance(part, dict))
    return {name for part in told for name in part}


def asked_rates(members: Iterable[Group]) -> list[float]:
    """The asked rates among the groups, rising; empty if all were saturation runs."""
    return sorted(
        {group.first.load.rate_rps for group in members if group.first.load.rate_rps is not None}
    )


def _load_of(record: RunRecord) -> tuple[Any, ...]:
    load = record.load
    rate_rps = math.inf if load.rate_rps is None else load.rate_rps  # sorts after every rate
    return (load.mode, rate_rps, load.connections, load.generator, load.from_host)


def _key(record: RunRecord) -> tuple[Any, ...]:
    is_variant = record.variant != DEFAULT_VARIANT
    return (record.app, is_variant, record.variant, *_load_of(record))


def _in_order(names: Iterable[str], campaign: LoadedCampaign, asked_key: str) -> list[str]:
    asked = campaign.campaign.asked.get(asked_key)
    wanted = [str(name) for name in asked] if isinstance(asked, list | dict) else []
    return sorted(
        set(names),
        key=lambda name: (wanted.index(name) if name in wanted else len(wanted), name),
    )
