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
    interaction_text,
    rows,
    sentence,
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """What the ratio of one figure is made of."""

    head: str
    sentence: str
    rows: list[tuple[str, ...]]  # texts, under Section.columns; the ratio's own is the last
    lines: list[str]  # interactions and remarks
    chart: Rendered | None


@dataclass(frozen=True)
class Section:
    """All ratios, and what the design of the campaign cannot tell."""

    columns: list[str]
    parts: list[Part]
    design: list[str]


def section(campaign: LoadedCampaign) -> Section | None:
    """Return the section; None if the campaign was not made to say why."""
    why = campaign.campaign.why
    if why is None:
        return None
    found = explain(campaign)
    charts = draw_charts(campaign, why, found)
    return Section(
        columns=columns(why),
        parts=[
            Part(
                head=head(one),
                sentence=sentence(why, one),
                rows=rows(why, one) if one.ratio is not None else [],
                lines=[*(interaction_text(why, i) for i in one.interactions), *one.remarks],
                chart=chart and replace(chart, name=f"why-{chart.name}"),
            )
            for one, chart in zip(found, charts, strict=True)
        ],
        design=about_design(why),
    )
