"""Write the HTML report as one file that needs no other. Its texts are in templates/."""

import base64
import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from analysis import (
    answers,
    asked,
    capacities,
    columns,
    figures,
    findings,
    gave_out,
    groups,
    mixes,
    other_service,
    ramp,
    tables,
    trials,
)
from analysis.answer_words import P99
from analysis.charts.style import Rendered, webp
from analysis.compare.cells import CAPACITY
from analysis.evidence import RunFile
from analysis.intervals import CONFIDENCE
from analysis.load import LoadedCampaign
from analysis.ranking import Row
from analysis.statistics import MIN_TRIALS_FOR_INTERVAL
from analysis.timelines.run import timeline, tints
from analysis.why.section import Section
from testbed import numbers
from testbed.model.campaign import HostRecord, fitness_summary
from testbed.model.gave_out import MEANINGS
from testbed.model.link import LinkRecord
from testbed.model.results import SqlSeen, Standing
from testbed.numbers import MISSING
from testbed.tools.table import GENERATORS

TEMPLATES = Path(__file__).resolve().parent / "templates"
# Columns of the text table that the page leaves out: there, each endpoint has its own table.
NOT_ON_PAGE = ("Endpoint",)
PICTURES_BYTES = 800_000  # of all pictures in the page, which can so be mailed
SQL_KINDS = ("declared", "housekeeping", "unexpected")  # worst last


@dataclass(frozen=True)
class RunRow:
    """One run in the result table."""

    run_id: str
    app: str
    variant: str
    standing: Standing
    cells: list[str]


def page(
    campaign: LoadedCampaign,
    charts: Mapping[str, list[Rendered]],
    evidence: Mapping[str, list[RunFile]],
    why: Section | None = None,
    question_page: str | None = None,
    found: list[answers.Answer] | None = None,
) -> str:
    """Return the whole page; the same results folder always gives the same text.

    `evidence` has the files of each run by its id. `why` says why two apps differ, if that was
    asked. `question_page` is the link to the page that answers the campaign's question. `found` are
    the answers of the campaign, if they are known already.
    """
    template = environment().get_template("report.html.j2")
    found = answers.answers(campaign) if found is None else found
    above = charts_above(found)
    checked = findings.by_check(tables.ordered_runs(campaign))
    return template.render(
        answers=found,
        own_page=True,
        doubts=lambda row: doubts(row, checked),
        charts_above=above,
        pictures=pictures(charts, above),
        charts=charts,
        evidence=evidence,
        findings=checked,
        timeline=functools.partial(timeline, campaign),
        why=why,
        question_page=question_page,
        **CALLED,
        **_of_campaign(campaign),
        **_of_results(campaign, list(charts)),
    )


def _of_campaign(campaign: LoadedCampaign) -> dict[str, Any]:
    """Return what the templates show of how the campaign was made, by their names for it."""
    about = campaign.campaign
    return {
        "about": about,
        "campaign": campaign,
        "asked": asked.keys(campaign),
        "asked_sentence": asked.sentence(campaign),
        "conditions": tables.conditions(campaign),
        "objective": capacities.objective(campaign) if capacities.searched(campaign) else None,
        "delay": about.link_delay,
        "made_by": sorted({groups.generated_by(run.record) for run in campaign.runs}),
        "packages": packages(about.hosts),
        "harness": harness(campaign),
        "link_sentence": link_sentence(about.link),
    }


def _of_results(campaign: LoadedCampaign, endpoints: list[str]) -> dict[str, Any]:
    """Return what the templates show of the figures, by their names for it."""
    shown = on_page(campaign)
    return {
        "filters": filters(campaign),
        "standings": standings(campaign),
        "columns": shown,
        "chosen_later": {one.title for one in shown if not one.at_first(campaign)},
        "varied": groups.has_variants(campaign),
        "gave_out_meanings": MEANINGS if gave_out.recorded(campaign) else {},
        "capacities": capacities.rows(campaign),
        "capacity_fitted": capacities.fitted(campaign),
        "unfinished_searches": capacities.unfinished(campaign),
        "ramps": ramp.ramps(campaign),
        "ramp_of": ramp.of(campaign),
        "ramp_sentences": ramp.sentences(campaign),
        "ramp_sure": answers.ramp_how_sure(campaign),
        "results": {endpoint: run_rows(campaign, endpoint) for endpoint in endpoints},
        "several_trials": tables.several_trials(campaign),
        "groups": {endpoint: groups.groups(campaign, endpoint) for endpoint in endpoints},
        "figures": columns.shown_figures(campaign),
        "mixes": {mix: mixes.rows(campaign, mix) for mix in mixes.mixes(campaign)},
        "tints": tints(campaign),
    }


def environment() -> jinja2.Environment:
    """Return the environment of the templates, with the filters that write figures."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "code": code,
        "utc": utc,
        "or_missing": or_missing,
        "data_uri": data_uri,
        "policy": policy,
        "rate": numbers.rate,
        "ms": numbers.milliseconds,
        "count": numbers.count,
        "percent": numbers.percent,
        "size": numbers.size,
    }
    return made


def code(text: str) -> markupsafe.Markup:
    """Return the text for HTML, with what stands between backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one is without its pair
        return markupsafe.escape(text)
    tags = (
        markupsafe.Markup("<code>{}</code>").format(part) if place % 2 else markupsafe.escape(part)
        for place, part in enumerate(parts)
    )
    return markupsafe.Markup("").join(tags)


def utc(moment: datetime | None) -> str:
    """Return date and time in UTC, to the second; a dash if there is none."""
    if moment is None:
        return MISSING
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def or_missing(value: Any) -> str:
    """Return the value as text; a dash if there is none."""
    if value is None or value == "":
        return MISSING
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


@functools.lru_cache(maxsize=256)
def data_uri(chart: Rendered) -> str:
    """Return the chart as an address that holds the picture itself, smaller than its SVG."""
    return f"data:image/webp;base64,{base64.b64encode(webp(chart.png)).decode()}"


def policy(styles: str, script: str = "", forms: bool = False) -> str:
    """Return a Content-Security-Policy that allows the page its own styles, script and pictures.

    So even a text that slipped through the escaping could neither run nor load anything. With
    `forms`, its forms may ask the server that the page came from.
    """
    allowed = ["default-src 'none'", f"style-src '{_digest(styles)}'", "img-src data:"]
    if script:
        allowed.append(f"script-src '{_digest(script)}'")
    return "; ".join([*allowed, "base-uri 'none'", f"form-action '{'self' if forms else 'none'}'"])


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def pictures(charts: Mapping[str, list[Rendered]], above: list[str | None]) -> set[str]:
    """Return the names of the charts that stand in the page; it links to the others.

    Those beside the answers always do; of the others, as many as PICTURES_BYTES has room for.
    """
    drawn = [chart for of_endpoint in charts.values() for chart in of_endpoint]
    first = [chart for chart in drawn if chart.name in above]
    inside = {chart.name for chart in first}
    room = PICTURES_BYTES - sum(len(data_uri(chart)) for chart in first)
    for chart in drawn:
        if chart.name in inside:
            continue
        room -= len(data_uri(chart))
        if room < 0:
            break
        inside.add(chart.name)
    return inside


def filters(campaign: LoadedCampaign) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return what runs can be chosen by: a key, its title, and its values with their words.

    A key that has one value only is left out.
    """
    records = [run.record for run in campaign.runs]
    titles = {record.app: record.app_title for record in records}
    variants = sorted({record.variant for record in records})
    found = [
        ("app", "App", [(app, titles[app]) for app in groups.apps(campaign)]),
        ("endpoint", "Endpoint", [(one, one) for one in groups.endpoints(campaign)]),
        ("variant", "Variant", [(one, one) for one in variants]),
        ("verdict", "Verdict", [(one, one) for one in standings(campaign)]),
    ]
    return [(key, title, values) for key, title, values in found if len(values) > 1]


def charts_above(found: list[answers.Answer]) -> list[str | None]:
    """Return for each answer the name of the chart beside it, which shows the figure that ranks.

    Several answers of one endpoint share a chart, which stands beside the first of them; the others
    have None.
    """
    kinds = {P99.key: "latency", CAPACITY.key: "capacity"}
    names: list[str | None] = []
    for one in found:
        name = f"{one.endpoint}-{kinds.get(one.metric.key, 'requests')}"
        names.append(None if name in names else name)
    return names


def anchor(row: Row) -> str:
    """Return the id of the place where the trials of a row stand."""
    if row.group is None:
        return "capacities"
    several = len(row.group.records) > 1
    return f"{'cell' if several else 'result'}-{row.group.first.run_id}"


def doubts(row: Row, checked: list[findings.Checked]) -> str:
    """Return the id of the place where the worst finding on a row's trials stands."""
    if row.standing == "valid":
        return anchor(row)
    runs = {record.run_id for record in row.group.records} if row.group else set()
    for number, one in enumerate(checked, start=1):
        if one.verdict == row.standing and runs & set(one.runs):
            return f"finding-{number}"
    return "validity"


def standings(campaign: LoadedCampaign) -> dict[str, int]:
    """Return how many runs have each standing. A standing that no run has is left out."""
    found = [run.record.standing for run in campaign.runs]
    return {word: found.count(word) for word in trials.WORST_LAST if word in found}


def on_page(campaign: LoadedCampaign) -> list[columns.Column]:
    """Return the result table's columns that the page shows."""
    return [column for column in columns.columns(campaign) if column.title not in NOT_ON_PAGE]


def run_rows(campaign: LoadedCampaign, endpoint: str) -> list[RunRow]:
    """Return the endpoint's runs as rows of the result table."""
    shown = on_page(campaign)
    return [
        RunRow(
            run_id=record.run_id,
            app=record.app,
            variant=record.variant,
            standing=record.standing,
            cells=[column.cell(record, campaign) for column in shown],
        )
        for group in groups.groups(campaign, endpoint)
        for record in group.records
    ]


def sql_by_kind(seen: list[SqlSeen]) -> list[SqlSeen]:
    """Return the statements sorted: unexpected kinds first, in each kind the most calls first."""
    return sorted(seen, key=lambda one: (-SQL_KINDS.index(one.kind), -one.calls, one.text))


def sql_summary(seen: list[SqlSeen]) -> str:
    """Return how many statements there are of each kind, such as '1 unexpected, 2 declared'."""
    kinds = [one.kind for one in seen]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in reversed(SQL_KINDS) if kind in kinds)


def packages(hosts: list[HostRecord]) -> list[tuple[str, list[str]]]:
    """Return every package with its version on each host, in the hosts' order."""
    names = sorted({name for host in hosts for name in host.packages})
    return [(name, [host.packages.get(name, MISSING) for host in hosts]) for name in names]


def harness(campaign: LoadedCampaign) -> str | None:
    """Return which part of the campaign's time was measured; None if the campaign did not end."""
    about = campaign.campaign
    if about.ended_at is None:
        return None
    measured_s = sum(
        run.record.output.duration_s or 0 for run in campaign.runs if run.record.output
    )
    total_s = (about.ended_at - about.created_at).total_seconds()
    return f"measured {measured_s:,.0f} s of {total_s:,.0f} s"


def link_sentence(link: LinkRecord | None) -> str:
    """Return one sentence that says whether the link was fit."""
    if link is None:
        return "No link was verified."
    if link.ok:
        return (
            f"Verified: at least {link.floor_mbit_per_s:,.0f} Mbit/s each way, both ways at once."
        )
    return f"Not fit: {' '.join(link.problems) or 'no problem was recorded.'}"


# What the templates call, and words that are the same on each page
CALLED: dict[str, Any] = {
    "anchor": anchor,
    "told_of": findings.of_run,
    "varied_text": columns.varied_text,
    "drift_text": columns.drift_text,
    "capacity_ends": capacities.ends,
    "capacity_text": capacities.capacity_text,
    "together": ramp.together,
    "asked_percent": mixes.asked_percent,
    "fitness_summary": fitness_summary,
    "other_service": other_service.sentence,
    "sql_by_kind": sql_by_kind,
    "sql_summary": sql_summary,
    "gave_out_title": gave_out.TITLE,
    "lower_bound": figures.LOWER_BOUND,
    "bisected": capacities.BISECTED,
    "confidence": CONFIDENCE,
    "few": MIN_TRIALS_FOR_INTERVAL,
    "generators": list(GENERATORS.values()),
}
