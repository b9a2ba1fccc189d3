"""Run `why`: print and draw what the ratio of two apps is made of, and say it in a sentence."""

import json
import math
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from rich.console import Console
from rich.text import Text

from analysis import answer_words
from analysis.charts import fonts, waterfall
from analysis.charts.style import RC, Rendered, generator_of, noted, render
from analysis.compare.cells import COMPARABLE
from analysis.folders import lacks, load_one
from analysis.load import LoadedCampaign
from analysis.ratio import finite, number
from analysis.text_table import text_table
from analysis.trials import doubts_by_check, spoilt_by_check
from analysis.why import shapley
from analysis.why.explained import (
    DEFAULT_KEYS,
    TITLES,
    Explained,
    Interaction,
    Share,
    explain,
    factorial_of,
)  # fmt: skip
from testbed import files
from testbed.errors import Exit
from testbed.model.why import FRAMEWORK, Why
from testbed.numbers import rough
from testbed.texts import shown_name

TIMES = "\N{MULTIPLICATION SIGN}"
NOISE = "cannot be told from noise"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `why`."""
    parser.add_argument("folder", type=files.named, help="folder that fab run-why wrote")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="KEY",
        help=f"figure to explain, may be repeated; one of {', '.join(COMPARABLE)} (default: "
        f"{', '.join(key for key in DEFAULT_KEYS if key in COMPARABLE)})",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")
    parser.add_argument(
        "--out", type=files.named, metavar="DIR",
        help="where to write the charts (default: why/ in the folder)",
    )  # fmt: skip


def command(arguments: Namespace, console: Console) -> int:
    """Print why both apps differ, write the charts, and return the exit code.

    Raises TestbedError.
    """
    campaign = load_one(arguments.folder)
    why = factorial_of(campaign)
    found = explain(campaign, arguments.metric)
    out = arguments.out or arguments.folder / "why"
    with files.written_to(out):
        charts = write_charts(campaign, why, found, out)
    if arguments.json:
        console.print(Text(json.dumps(document(why, found), indent=2)), soft_wrap=True)
    else:
        show(campaign, why, found, console)
        for path in charts:
            console.print(Text(f"chart: {shown_name(path)}"), soft_wrap=True)
    return 0 if any(one.ratio for one in found) else Exit.NOT_VALID


def show(campaign: LoadedCampaign, why: Why, found: Sequence[Explained], console: Console) -> None:
    """Print a sentence and a table for each figure, and what the design cannot tell."""
    if lacking := lacks(campaign):
        console.print(Text(f"The campaign is not complete: {lacking}."))
    told_once = of_all(found)
    if sure := how_sure(campaign, found):
        console.print(Text(f"How sure? {sure}"), soft_wrap=True)
    for one in found:
        console.print(Text(f"\n{head(one)}", style="bold"), soft_wrap=True)
        console.print(Text(sentence(why, one)), soft_wrap=True)
        if one.ratio is not None:
            console.print(_table(why, one))
        for line in lines(why, one, told_once):
            console.print(Text(line), soft_wrap=True)
    console.print(Text(""))
    for line in [*told_once, *about_design(why)]:
        console.print(Text(line), soft_wrap=True)


def how_sure(campaign: LoadedCampaign, found: Sequence[Explained]) -> str:
    """Return in sentences of how many blocks the intervals are, and how many runs count fully."""
    records = [run.record for run in campaign.runs]
    blocks = max((one.ratio.trials[0] for one in found if one.ratio is not None), default=0)
    if not blocks:
        return ""
    basis = (
        "There is one block of trials, which does not show how far chance moves a part."
        if blocks == 1
        else f"The intervals ({answer_words.SURE}) rest on {blocks} blocks of trials, each of "
        "every variant once."
    )
    standings = [record.standing for record in records]
    doubts, spoilt = doubts_by_check(records), spoilt_by_check(records)
    told = answer_words.counted(standings, [doubts], [spoilt], "runs")
    return f"{basis} {told}"


def of_all(found: Sequence[Explained]) -> list[str]:
    """Return the remarks that hold for all of several figures, so that they are shown once."""
    if len(found) < 2:
        return []
    first, *others = (one.remarks for one in found)
    return [remark for remark in first if all(remark in other for other in others)]


def lines(why: Why, one: Explained, told_once: Sequence[str]) -> list[str]:
    """Return what is told below a figure's table: interactions, and remarks on it alone."""
    told = [interaction_text(why, each) for each in one.interactions]
    return [*told, *(remark for remark in one.remarks if remark not in told_once)]


def variants(why: Why) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return what each variant is: titles, and a row of texts for each variant of each app."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for cell in why.cells:
        levels = (
            "" if factor.only not in (None, cell.app)
            else _in_words(factor.app if factor.name in cell.as_app else factor.against)
            for factor in why.factors
        )  # fmt: skip
        found.setdefault((cell.app, cell.variant), tuple(levels))
    titles = ["App", "Variant", *(factor.title for factor in why.factors)]
    rows_ = [(why.titles[app], variant, *levels) for (app, variant), levels in found.items()]
    return titles, sorted(rows_)


def in_words(why: Why) -> dict[tuple[str, str], str]:
    """Return each variant of each app in words, such as 'keep-alive: kept; the pool: pool, 30'."""
    titles, found = variants(why)
    names = {title: app for app, title in why.titles.items()}
    return {
        (names[title], variant): "; ".join(
            f"{factor}: {level}" for factor, level in zip(titles[2:], levels, strict=True) if level
        )
        for title, variant, *levels in found
    }


def _in_words(level: str) -> str:
    return level.replace("_", " ")


def head(one: Explained) -> str:
    """Return what is explained: figure, endpoint and load."""
    return f"{one.metric.title}, {one.endpoint} ({one.load})"


def sentence(why: Why, one: Explained) -> str:
    """Return what the ratio is made of in one sentence.

    It names the factors that are told from noise, the largest first, then what is left of the
    others together, then the framework.
    """
    if one.ratio is None or one.ratio.value is None:
        return f"Not known: {one.problem}"
    whole = f"{_times(one.ratio.value)} ({why.titles[one.of]} against {why.titles[one.to]})"
    if one.ratio.how == "one trial":
        parts = [_part(share) for share in _sorted(one.shares)]
        text = f"Of {whole}, {_listed(parts)}; one block of trials tells nothing of noise"
    else:
        told = [share for share in _sorted(one.shares) if share.told]
        rest = [share for share in one.shares if not share.told]
        parts = [_part(share) for share in told]
        if rest:
            together = math.exp(math.fsum(math.log(share.estimate.value or 1) for share in rest))
            noise = f"{_times(together)} {NOISE} ({', '.join(share.title for share in rest)})"
            parts.insert(sum(share.player != FRAMEWORK for share in told), noise)
        text = f"Of {whole}, {_listed(parts)}"
        if one.ratio.lies(1, 1) == "across":
            text += "; the ratio itself cannot be told from 1"
    return f"{text}."


def _sorted(shares: Sequence[Share]) -> list[Share]:
    """Return the largest shares first, and the framework's last."""
    return sorted(shares, key=lambda share: (share.player == FRAMEWORK, -share.size))


def _part(share: Share) -> str:
    return f"{_times(share.estimate.value or 0)} {share.title}"


def _listed(parts: Sequence[str]) -> str:
    """Return the parts as a list in words, with the verb behind the first figure."""
    first, *rest = parts
    figure, _, what = first.partition(" ")
    verb = "" if what.startswith(NOISE) else "is "
    return ", ".join([f"{figure} {verb}{what}", *rest])


def _times(value: float) -> str:
    return f"{number(value)}{TIMES}"


def rows(why: Why, one: Explained) -> list[tuple[str, ...]]:
    """Return a row of texts for each factor, and a last one for the ratio, if it is known.

    A row has the factor, what it is in both apps, its share, the interval, and a remark.
    """
    levels = {
        factor.name: (_in_words(factor.app), _in_words(factor.against)) for factor in why.factors
    }
    levels[FRAMEWORK] = (why.titles[why.app], why.titles[why.against])
    found: list[tuple[str, ...]] = []
    for share in _sorted(one.shares):
        known = "" if share.told or share.estimate.how == "one trial" else NOISE
        told = share.estimate
        found.append((share.title, *levels[share.player], told.text, told.interval(), known))
    if one.ratio is not None and one.ratio.value is not None:
        whole = (one.ratio.text, one.ratio.interval())
        found.append((_whole(why, one), "", "", *whole, ""))
    return found


def columns(why: Why) -> list[str]:
    """Return the titles of `rows`."""
    return ["Factor", why.titles[why.app], why.titles[why.against], "Times", "95 % interval", ""]


def _table(why: Why, one: Explained) -> Any:
    table = text_table()
    for title in columns(why):
        table.add_column(title, justify="right" if title == "Times" else "left")
    for row in rows(why, one):
        is_whole = row[0] == _whole(why, one)
        table.add_row(*map(Text, row), style="bold" if is_whole else None)
    return table


def _whole(why: Why, one: Explained) -> str:
    return f"{why.titles[one.of]} / {why.titles[one.to]}"


def interaction_text(why: Why, one: Interaction) -> str:
    """Return what players do together, and what else it could be."""
    sets = [" and ".join(_title(why, p) for p in _placed(why, each)) for each in one.sets]
    fewer = "one by one" if len(one.sets[0]) < 3 else "one by one and in pairs"
    text = f"Together, {sets[0]} do {one.estimate.text}{TIMES} what they do {fewer}"
    text += f" ({one.estimate.interval()}; p = {rough(one.chance)})"
    return f"{text}; or it is {', or '.join(sets[1:])}." if sets[1:] else f"{text}."


def _title(why: Why, player: str) -> str:
    return {factor.name: factor.title for factor in why.factors}.get(player) or TITLES[player]


def _placed(why: Why, players: frozenset[str]) -> list[str]:
    return [player for player in why.players if player in players]


def about_design(why: Why) -> list[str]:
    """Return sentences on the design: what was changed, and what it cannot tell apart."""
    lines = []
    if why.resolution is None:
        lines.append(f"A full factorial: all {len(why.cells)} combinations.")
    else:
        lines.append(
            f"A fraction of resolution {why.resolution}: {len(why.cells)} of "
            f"{2 ** len(why.players)} combinations. These cannot be told apart; a share is taken "
            "for that of the smallest set:"
        )
        lines += [
            "  " + " = ".join(" x ".join(_placed(why, each)) for each in sets)
            for sets in shapley.aliases(why)
        ]
    lines += [
        f"Only {why.titles[factor.only]} has {factor.title}, so where the other serves it does "
        "nothing."
        for factor in why.factors
        if factor.only
    ]
    if why.within_framework:
        lines.append(f"Counted to the framework: {', '.join(why.within_framework)}.")
    return lines


def write_charts(
    campaign: LoadedCampaign, why: Why, found: Sequence[Explained], out: Path
) -> list[Path]:
    """Draw a waterfall chart for each ratio that is known. Return the charts' PNG files."""
    paths = []
    for chart in filter(None, draw_charts(campaign, why, found)):
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{chart.name}.svg").write_bytes(chart.svg)
        (out / f"{chart.name}.png").write_bytes(chart.png)
        paths.append(out / f"{chart.name}.png")
    return paths


def draw_charts(
    campaign: LoadedCampaign, why: Why, found: Sequence[Explained]
) -> list[Rendered | None]:
    """Return a waterfall chart for each ratio; None for one that is not known."""
    titles = fonts.of_titles({title: name for name, title in why.titles.items()})
    generators = ", ".join(sorted({generator_of(run.record) for run in campaign.runs}))
    charts: list[Rendered | None] = []
    for one in found:
        if one.ratio is None or one.ratio.value is None:
            charts.append(None)
            continue
        steps = [_step(share.title, share) for share in _sorted(one.shares)]
        whole = _step("all", Share("all", "all", one.ratio))
        with matplotlib.rc_context(RC | {"font.family": titles.families}):
            chart = waterfall.draw(
                _file_name(found, one),
                f"Why: {one.metric.title}, {one.endpoint}",
                f"{titles.told(why.titles[one.of])} against {titles.told(why.titles[one.to])}, "
                f"{one.load}",
                campaign, generators, steps, whole,
            )  # fmt: skip
            charts.append(render(noted(chart, titles.note)))
    return charts


def _file_name(found: Sequence[Explained], one: Explained) -> str:
    """Return the name of a chart; with its number where an endpoint has several loads."""
    alike = [o for o in found if (o.endpoint, o.metric) == (one.endpoint, one.metric)]
    number_text = f"-{alike.index(one) + 1}" if len(alike) > 1 else ""
    return f"{one.endpoint}-{one.metric.key}{number_text}"


def _step(title: str, share: Share) -> waterfall.Step:
    value = share.estimate.value or 1
    label = f"{title}  {_times(value)}"
    return waterfall.Step(label, value, share.estimate.low, share.estimate.high, share.told)


def document(why: Why, found: Sequence[Explained]) -> dict[str, Any]:
    """Return all of it for JSON."""
    return {
        "design": why.model_dump(mode="json") | {"resolution": why.resolution},
        "explained": [
            {
                "endpoint": one.endpoint,
                "load": one.load,
                "metric": one.metric.key,
                "of": one.of,
                "to": one.to,
                "sentence": sentence(why, one),
                "ratio": one.ratio and one.ratio.document(),
                "shares": {
                    share.player: share.estimate.document() | {"told_from_noise": share.told}
                    for share in one.shares
                },
                "interactions": [
                    i.estimate.document()
                    | {"sets": [_placed(why, s) for s in i.sets], "p_value_holm": finite(i.chance)}
                    for i in one.interactions
                ],
                "remarks": one.remarks,
            }
            for one in found
        ],
    }
