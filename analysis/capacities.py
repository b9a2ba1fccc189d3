"""Collect the answers of capacity searches, as table rows and, unrounded, as CSV.

An answer is the rate at which a typical run just meets the objective, with its 95 % interval. Those
of earlier versions are a bracket that single probes decided, without such a rate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from analysis.frames import with_missing
from analysis.groups import DEFAULT_VARIANT, apps, has_variants, settings_text, varied_settings
from analysis.load import LoadedCampaign
from analysis.text_table import text_table
from analysis.trials import counts_in_search, worst
from testbed.model.campaign import CapacityResult
from testbed.model.experiment import Capacity
from testbed.model.results import RunRecord, Standing
from testbed.numbers import MISSING, rate, written_out

GROWING = "response_steady"  # the check that finds a queue that grows
NONE_MET = "none met"
NONE_MISSED = "none missed"
BISECTION = "as many probes as a bisection would take"
BISECTED = "by bisection"  # how a search of an earlier version ended


@dataclass(frozen=True)
class SearchAnswer:
    """The answer of one search, with the runs (probes) that it rests on."""

    result: CapacityResult
    probes: list[RunRecord]  # in the order made

    @property
    def deciding(self) -> list[RunRecord]:
        """The probes that decide the answer.

        They are those inside the interval and the nearest outside of it on each side; of a bracket,
        those at its two ends.
        """
        ends = (self.result.at_least_rps, self.result.below_rps)
        if not self.fitted:
            return [record for record in self.probes if record.load.rate_rps in ends]
        counted = [record for record in self.probes if counts_in_search(record)]
        rates = [record.load.rate_rps or 0 for record in counted]
        low, high = ends[0] or 0, math.inf if ends[1] is None else ends[1]
        low = max((rate for rate in rates if rate < low), default=low)
        high = min((rate for rate in rates if rate > high), default=high)
        return [one for one, rate in zip(counted, rates, strict=True) if low <= rate <= high]

    @property
    def fitted(self) -> bool:
        """Whether all probes together decide the answer; False: a search by bisection."""
        return self.result.ended is not None

    @property
    def standing(self) -> Standing:
        """The worst standing among the deciding probes.

        A queue that grows, or not a single correct answer, is why a probe above the capacity missed
        the objective. It is no doubt.
        """
        return worst(map(self._standing, self.deciding), otherwise="failed")

    def _standing(self, record: RunRecord) -> Standing:
        doubts = {one.check for one in record.findings if one.verdict == "doubtful"}
        missed, at = self.result.capacity_rps or self.result.below_rps, record.load.rate_rps
        overloaded = missed is not None and at is not None and at >= missed
        standing = record.standing
        if record.overloaded:
            standing = "doubtful" if doubts else "valid"
        if standing == "doubtful" and overloaded and doubts == {GROWING}:
            return "valid"
        return standing


@dataclass(frozen=True)
class Searches:
    """The answers of one app, endpoint and variant over its trials."""

    app: str
    app_title: str
    endpoint: str
    variant: str
    settings: str
    answers: list[SearchAnswer]

    @property
    def at_least(self) -> list[float]:
        """The highest rate that met the objective in each trial, requests/s, in rising order.

        Trials in which no rate met the objective are left out.
        """
        return _known([answer.result.at_least_rps for answer in self.answers])

    @property
    def below(self) -> list[float]:
        """The lowest rate that missed the objective in each trial, requests/s, in rising order.

        Trials in which every rate met the objective are left out.
        """
        return _known([answer.result.below_rps for answer in self.answers])

    @property
    def label(self) -> str:
        """The app, with its variant unless that is the default one and sets nothing."""
        named = self.settings or self.variant != DEFAULT_VARIANT
        return f"{self.app_title}, {self.variant}" if named else self.app_title

    @property
    def answer_text(self) -> str:
        """The answer in words, such as '1,000/s, at least 950 and below 1,060'."""
        if self.capacity_text != MISSING and len(self.answers) > 1:
            return f"{self.capacity_text}/s in {len(self.answers)} trials"
        found = "" if self.capacity_text == MISSING else f"{self.capacity_text}/s, "
        if not self.at_least:
            return f"below {self.below_text} ({NONE_MET})"
        if not self.below:
            return f"at least {self.at_least_text} ({NONE_MISSED})"
        return f"{found}at least {self.at_least_text} and below {self.below_text}"

    @property
    def capacity_text(self) -> str:
        """The range of the answers over the trials; a dash if no trial has one."""
        return _range(_known([one.result.capacity_rps for one in self.answers]), 0, MISSING)

    @property
    def at_least_text(self) -> str:
        """The range of `at_least`, with the number of trials in which no rate met the objective."""
        return _range(self.at_least, len(self.answers), NONE_MET)

    @property
    def below_text(self) -> str:
        """The range of `below`, with the number of trials in which every rate met the objective."""
        return _range(self.below, len(self.answers), NONE_MISSED)


def _known(values: Sequence[float | None]) -> list[float]:
    return sorted(value for value in values if value is not None)


def _range(values: list[float], trials: int, otherwise: str) -> str:
    if not values:
        return otherwise
    text = (
        rate(values[0]) if values[0] == values[-1] else f"{rate(values[0])} to {rate(values[-1])}"
    )
    without = trials - len(values)
    return f"{text}; {otherwise} in {without} of {trials} trials" if without > 0 else text


def searched(campaign: LoadedCampaign) -> bool:
    """Return whether the experiment is a search for capacity."""
    return bool(campaign.campaign.capacities) or asked(campaign) is not None


def fitted(campaign: LoadedCampaign) -> bool:
    """Return whether any answer was fitted to all probes; earlier versions searched by bisection.

    True also where there is no answer yet.
    """
    answers = campaign.campaign.capacities
    return not answers or any(one.ended is not None for one in answers)


def objective(campaign: LoadedCampaign) -> str:
    """Return the objective of the search in words, or 'not recorded' if the campaign lacks it."""
    wanted = asked(campaign)
    if wanted is None:
        return "not recorded"
    most = f"{wanted.most_probes} probes" if wanted.most_probes else BISECTION
    or_so = f", or with {most}" if fitted(campaign) else ""
    p99_ms, errors_percent, precision_percent = map(
        written_out, (wanted.p99_ms, wanted.errors_percent, wanted.precision_percent)
    )
    return (
        f"p99 of response time at most {p99_ms} ms, errors, unsent and unanswered at most "
        f"{errors_percent} %, both of the requests due; searched up to "
        f"{rate(wanted.to_rps)}/s, until the answer was within {precision_percent} %"
        f"{or_so}"
    )


def asked(campaign: LoadedCampaign) -> Capacity | None:
    """Return the search as the experiment declares it.

    Return None if the experiment is not a search, or if this version cannot read its declaration.
    """
    load = campaign.campaign.asked.get("load")
    try:
        return Capacity.model_validate(load["capacity"]) if isinstance(load, dict) else None
    except (KeyError, ValidationError):
        return None


def rows(campaign: LoadedCampaign) -> list[Searches]:
    """Return a row for each app, endpoint and variant with an answer, apps in the order asked.

    A result has no answer if none of its runs is a probe of that app, endpoint and variant.
    """
    records = {run.record.run_id: run.record for run in campaign.runs}
    order = apps(campaign)
    found: dict[tuple[str, str, str], list[SearchAnswer]] = {}
    for result in campaign.campaign.capacities:
        key = (result.app, result.endpoint, result.variant)
        of_result = (records[run_id] for run_id in result.runs if run_id in records)
        probes = [one for one in of_result if (one.app, one.endpoint, one.variant) == key]
        if probes:
            found.setdefault(key, []).append(SearchAnswer(result, probes))
    return [
        Searches(
            app=app,
            app_title=answers[0].probes[0].app_title,
            endpoint=endpoint,
            variant=variant,
            settings=settings_text(varied_settings(answers[0].probes[0], campaign)),
            answers=sorted(answers, key=lambda answer: answer.result.trial),
        )
        for (app, endpoint, variant), answers in sorted(
            found.items(), key=lambda item: (item[0][1], order.index(item[0][0]), item[0][2])
        )
    ]


def unfinished(campaign: LoadedCampaign) -> list[str]:
    """Return the searches that began and have no answer yet; an empty list if there are none."""
    if not searched(campaign):
        return []
    answered = {(c.app, c.endpoint, c.variant, c.trial) for c in campaign.campaign.capacities}
    begun = {
        (run.record.app, run.record.endpoint, run.record.variant, run.record.trial)
        for run in campaign.runs
    }
    return [
        f"{app}, {endpoint}, {variant}, trial {trial}"
        for app, endpoint, variant, trial in sorted(begun - answered)
    ]


def frame(campaign: LoadedCampaign) -> pd.DataFrame:
    """Return a table with a row for each search; an end that was not found is missing (<NA>)."""
    wanted = asked(campaign)
    return with_missing(
        [
            {
                "app": row.app,
                "app_title": row.app_title,
                "endpoint": row.endpoint,
                "variant": row.variant,
                "settings": row.settings or None,
                "trial": answer.result.trial,
                "capacity_rps": answer.result.capacity_rps,
                "at_least_rps": answer.result.at_least_rps,
                "below_rps": answer.result.below_rps,
                "ended": answer.result.ended,
                "objective_p99_ms": wanted.p99_ms if wanted else None,
                "objective_errors_percent": wanted.errors_percent if wanted else None,
                "precision_percent": wanted.precision_percent if wanted else None,
                "verdict": answer.standing,
                "probes": " ".join(answer.result.runs),
            }
            for row in rows(campaign)
            for answer in row.answers
        ]
    )


def table(campaign: LoadedCampaign) -> Table:
    """Return a table of every search. With several trials, a last row summarises them."""
    varied, answered = has_variants(campaign), fitted(campaign)
    made = text_table()
    for title in ("App", "Endpoint", *(("Variant", "Settings") if varied else ()), "Trial"):
        made.add_column(title)
    for title in (*(("Capacity/s",) if answered else ()), "At least/s", "Below/s"):
        made.add_column(title, justify="right", no_wrap=True)
    made.add_column("Verdict")
    made.add_column("Probes", justify="right")
    if answered:
        made.add_column("Ended")
    for row in rows(campaign):
        names = [row.app_title, row.endpoint, *((row.variant, row.settings) if varied else ())]
        for answer in row.answers:
            told = [capacity_text(answer.result)] if answered else []
            cells = [*names, str(answer.result.trial), *told, *ends(answer.result), answer.standing]
            over = [answer.result.ended or BISECTED] if answered else []
            made.add_row(*map(Text, [*cells, str(len(answer.probes)), *over]))
        if len(row.answers) > 1:
            told = [row.capacity_text] if answered else []
            together = [f"all {len(row.answers)}", *told, row.at_least_text, row.below_text]
            made.add_row(*map(Text, [*names, *together, "", ""]), style="bold")
    return made


def capacity_text(result: CapacityResult) -> str:
    """Return the answer of one search as text; a dash if it has none."""
    return MISSING if result.capacity_rps is None else rate(result.capacity_rps)


def ends(result: CapacityResult) -> tuple[str, str]:
    """Return the two ends of an answer as text, in words where an end was not found."""
    return (
        NONE_MET if result.at_least_rps is None else rate(result.at_least_rps),
        NONE_MISSED if result.below_rps is None else rate(result.below_rps),
    )
