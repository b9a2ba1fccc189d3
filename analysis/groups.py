"""Group the runs: the trials of one app, endpoint, variant and load form one group."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from analysis.figures import BY_KEY, ERROR_CLASSES, PERCENTILES, Figure
from analysis.load import LoadedCampaign, LoadedRun
from analysis.measured import of_figure, percentile, text
from analysis.merged import merged
from analysis.ratio import Span
from analysis.statistics import Summary, summarise
from analysis.trials import summarised, worst
from testbed.model.load import Load
from testbed.model.results import RunRecord, Standing
from testbed.model.tool_output import ToolOutput
from testbed.numbers import rate
from testbed.tools.table import counts_from_due

DEFAULT_VARIANT = "default"


def censored(record: RunRecord) -> bool:
    """Return whether response times of this run are only lower bounds.

    Requests that were never answered have no response time, and wrong answers do not count. A check
    says so where they are many; or the p99 or the median of the requests due lies among them.
    """
    spans = (percentile(record, percent) for percent in PERCENTILES.values())
    return any(finding.check == "censored" for finding in record.findings) or any(
        span is not None and span.open for span in spans
    )


def generated_by(record: RunRecord) -> str:
    """Return which generator made the load, and from where."""
    if record.load.from_host == "server":
        return f"{record.load.generator} on the server, loopback (calibration)"
    return f"{record.load.generator} on the client, over the link"


def counted_from(records: Iterable[RunRecord]) -> str:
    """Return the moment from which response times count, as far as the generators can know it."""
    from_due = {counts_from_due(record.load) for record in records}
    if from_due == {True}:
        return "counted from when each request was due"
    if from_due == {False}:
        return "counted from when each request was sent (closed loop: waiting to send is left out)"
    return "counted from due by constant-rate generators, from sent by closed-loop ones"


@dataclass(frozen=True)
class Group:
    """All trials of one app, endpoint, variant and load, in the order of their numbers."""

    label: str  # as charts name it; distinct among the groups of one endpoint
    endpoint: str
    app: str
    runs: list[LoadedRun]

    @property
    def records(self) -> list[RunRecord]:
        """The records of the runs."""
        return [run.record for run in self.runs]

    @property
    def first(self) -> RunRecord:
        """The first trial. All values that the trials share can be read from it."""
        return self.runs[0].record

    @property
    def counted(self) -> list[RunRecord]:
        """The trials that a summary takes: those that count, or the invalid ones if none counts."""
        return summarised(self.records)

    @property
    def standing(self) -> Standing:
        """The worst standing among the trials that a summary takes.

        If no trial has figures, it is 'failed' if the app failed in any trial, otherwise
        'interrupted'.
        """
        failed = any(record.standing == "failed" for record in self.records)
        otherwise: Standing = "failed" if failed else "interrupted"
        return worst((record.standing for record in self.counted), otherwise=otherwise)

    @property
    def censored(self) -> bool:
        """Whether the response times of any counted trial are only lower bounds."""
        return any(censored(record) for record in self.counted)

    @property
    def outputs(self) -> list[ToolOutput]:
        """The figures of the counted trials."""
        return [record.output for record in self.counted if record.output is not None]

    def span(self, record: RunRecord, figure: Figure) -> Span | None:
        """Return a figure of one trial of this group; None if the trial lacks it."""
        counted = {run.record.run_id: run.counted for run in self.runs}
        return of_figure(record, figure, counted.get(record.run_id))

    def interval_text(self, key: str) -> str:
        """Return the interval of a figure in words; an empty text if there is none."""
        summary = self.summary(key)
        if summary is None or summary.interval is None:
            return ""
        write, (low, high) = BY_KEY[key].write, summary.interval
        return f"{write(low)} to {write(high)}" if high < math.inf else f"at least {write(low)}"

    @property
    def percentile_interval_is(self) -> str:
        """How the intervals of the group's percentiles came about; an empty text without them."""
        summary = self.summary("response_p99_us")
        return "" if summary is None else summary.interval_is

    def summary(self, key: str) -> Summary | None:
        """Summarise a figure, named by its key in analysis/figures.py, over the counted trials.

        A percentile is that of all counted trials merged. Return None where no counted trial has
        the figure.
        """
        if key not in self._summaries:
            self._summaries[key] = self._summarised(key)
        return self._summaries[key]

    @cached_property
    def _summaries(self) -> dict[str, Summary | None]:
        return {}

    def _summarised(self, key: str) -> Summary | None:
        if key not in PERCENTILES:
            spans = (of_figure(record, BY_KEY[key]) for record in self.counted)
            return summarise([None if span is None else span.value for span in spans])
        counted = {record.run_id for record in self.counted}
        runs = [run for run in self.runs if run.record.run_id in counted]
        found = merged(runs, PERCENTILES[key])
        if found is None:
            return None
        span = found.span
        return Summary(
            trials=len(found.trials),
            mean=span.value,
            median=span.value,
            low=min(found.trials),
            high=max(found.trials),
            interval=found.interval,
            interval_is=found.how,
            bounds=None if span.known else (span.low, span.high),
        )

    def told(self, key: str, value: float | None) -> str:
        """Return a figure of this group as text: marked if a lower bound, or as a range."""
        summary = self.summary(key) if key in PERCENTILES else None
        if summary is None or summary.bounds is None:
            return BY_KEY[key].told(value, censored=self.censored)
        low, high = summary.bounds
        return text(BY_KEY[key], Span(low, low, high), censored=self.censored)

    def mean(self, key: str) -> float | None:
        """Return the mean of a figure over the counted trials; None if no counted trial has it.

        Of a percentile, it is that of all counted trials merged.
        """
        summary = self.summary(key)
        return summary.mean if summary else None

    def mean_errors(self) -> dict[str, float | None]:
        """Return the mean count of each class of errors over the counted trials.

        The mean of a class that the generator does not tell apart is None.
        """
        result: dict[str, float | None] = {}
        for name in ERROR_CLASSES:
            summary = summarise([getattr(output.errors, name) for output in self.outputs])
            result[name] = summary.mean if summary else None
        return result


def endpoints(campaign: LoadedCampaign) -> list[str]:
    """Return the endpoints measured, in the order asked; others follow by name."""
    return _in_order((run.record.endpoint for run in campaign.runs), campaign, "endpoints")


def apps(campaign: LoadedCampaign) -> list[str]:
    """Return the apps measured, in the order asked; others follow by name."""
    return _in_order((run.record.app for run in campaign.runs), campaign, "apps")


def groups(campaign: LoadedCampaign, endpoint: str) -> list[Group]:
    """Return the groups of one endpoint: by app in the order asked, then variant, then load."""
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
    """Return the app's title, the variant unless it is the default one and, if asked, the load.

    Tables say beside it which settings make the variant.
    """
    parts = [record.app_title]
    if record.variant != DEFAULT_VARIANT:
        parts.append(record.variant)
    if with_load:
        parts.append(load_text(record.load))
    return ", ".join(parts)


# How requests arrive, behind their rate; a closed loop has no schedule
ARRIVE = {"poisson": " at random", "constant": " at equal intervals"}


def load_text(load: Load, *, search: bool = False) -> str:
    """Return a load in words, as far as needed to tell the loads of one campaign apart.

    The load of a capacity search has no rate of its own.
    """
    asked = "saturation" if load.rate_rps is None else f"{rate(load.rate_rps)}/s"
    arrive = ARRIVE.get(load.arrivals or "", "")
    asked = f"{'search' if search else asked}{arrive}"
    return f"{asked}, {load.connections} connections, {load.generator}"


def varied_settings(record: RunRecord, campaign: LoadedCampaign) -> dict[str, Any]:
    """Return the settings that the experiment sets, or that differ among the runs of the app."""
    others = [run.record.settings for run in campaign.runs if run.record.app == record.app]
    declared = _declared_settings(record, campaign)
    return {
        key: value
        for key, value in sorted(record.settings.items())
        if key in declared or any(other.get(key) != value for other in others)
    }


def settings_text(settings: dict[str, Any]) -> str:
    """Return settings as tables write them: 'pool=10, workers=4'."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def has_variants(campaign: LoadedCampaign) -> bool:
    """Return whether anything was varied, so that tables must tell the variants apart."""
    return any(
        run.record.variant != DEFAULT_VARIANT or varied_settings(run.record, campaign)
        for run in campaign.runs
    )


def _declared_settings(record: RunRecord, campaign: LoadedCampaign) -> set[str]:
    """Return the names of the settings that the experiment sets for the run's variant.

    A setting may be set for all apps or for this app only. The set is empty if none is set, and for
    `fab run-why`, which sets all of them so that only the factors differ.
    """
    if campaign.campaign.why is not None:
        return set()
    variants = campaign.campaign.asked.get("variants")
    declared = variants.get(record.variant) if isinstance(variants, dict) else None
    if not isinstance(declared, dict):
        return set()
    for_apps = declared.get("app_settings")
    own = for_apps.get(record.app) if isinstance(for_apps, dict) else None
    told = (part for part in (declared.get("settings"), own) if isinstance(part, dict))
    return {name for part in told for name in part}


def asked_rates(members: Iterable[Group]) -> list[float]:
    """Return the asked rates among the groups, in rising order, requests per second.

    The list is empty if all runs are saturation runs, which have no rate.
    """
    return sorted(
        {group.first.load.rate_rps for group in members if group.first.load.rate_rps is not None}
    )


def _load_of(record: RunRecord) -> tuple[Any, ...]:
    load = record.load
    rate_rps = math.inf if load.rate_rps is None else load.rate_rps  # sorts after every rate
    arrivals = load.arrivals or ""
    return (load.mode, rate_rps, load.connections, load.generator, load.from_host, arrivals)


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
