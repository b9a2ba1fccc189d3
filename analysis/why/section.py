"""The section of a report that says why two apps differ, of a campaign that `fab run-why` made."""

from dataclasses import dataclass, replace

from analysis.charts.style import Rendered
from analysis.load import LoadedCampaign
from analysis.why.explained import explain
from analysis.why.show import (
    about_design,
    columns,
    draw_charts,
    head,
    how_sure,
    in_words,
    lines,
    of_all,
    rows,
    sentence,
    variants,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What the ratio of one figure is made of."""

    head: str
    sentence: str
    rows: list[tuple[str, ...]]  # texts, under Section.columns; the ratio's own is the last
    lines: list[str]  # interactions, and remarks on this figure alone
    chart: Rendered | None  # the first has the caption of all


@dataclass(frozen=True)
class Section:
    """All ratios, what was measured, and what the design of the campaign cannot tell."""

    columns: list[str]
    parts: list[Part]
    remarks: list[str]  # that hold for all figures
    variant_columns: list[str]
    variants: list[tuple[str, ...]]  # texts, under `variant_columns`: what each variant is
    in_words: dict[tuple[str, str], str]  # by app and variant
    design: list[str]
    how_sure: str  # in sentences; empty if nothing is known
    title: str  # 'Django against Flask'


def section(campaign: LoadedCampaign) -> Section | None:
    """Return the section; None if the campaign was not made to say why."""
    why = campaign.campaign.why
    if why is None:
        return None
    found = explain(campaign)
    charts = draw_charts(campaign, why, found)
    told_once = of_all(found)
    variant_columns, of_variants = variants(why)
    return Section(
        columns=columns(why),
        parts=[
            Part(
                head=head(one),
                sentence=sentence(why, one),
                rows=rows(why, one) if one.ratio is not None else [],
                lines=lines(why, one, told_once),
                chart=chart
                and replace(
                    chart, name=f"why-{chart.name}", caption="" if number else chart.caption
                ),
            )
            for number, (one, chart) in enumerate(zip(found, charts, strict=True))
        ],
        remarks=told_once,
        variant_columns=variant_columns,
        variants=of_variants,
        in_words=in_words(why),
        design=about_design(why),
        how_sure=how_sure(campaign, found),
        title=f"{why.titles[why.app]} against {why.titles[why.against]}",
    )
