"""Write the page that answers a question. It is one file and needs no other."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis import capacities, html
from analysis.charts.style import Rendered
from analysis.compare.cells import CAPACITY
from analysis.compare.rule import DEFAULT_TOLERANCE_PERCENT
from analysis.folders import lacks
from analysis.intervals import CONFIDENCE
from analysis.load import LoadedCampaign
from analysis.question.answers import Answers
from analysis.question.cells import CPU, MEMORY, Cell
from analysis.question.words import sentences
from analysis.ratio import digits_of, interval_text, number
from testbed.model.question import QuestionPlan, point_text
from testbed.numbers import MISSING

SMALL = "Small scale: short runs of few trials, to be quick, not exact. Ask again at full scale."
LAB = "Lab: two hosts on one machine. Ratios and orders may differ on real hosts."


@dataclass(frozen=True)
class Shown:
    """A cell as text."""

    title: str
    point: str
    settings: str
    capacity: str
    interval: str
    cpu: str
    memory: str
    gave_out: str
    trials: str


def cells(found: Answers, endpoint: str) -> list[Shown]:
    """Return the cells of an endpoint as text, stack by stack."""
    return [
        _shown(found, found.cell(endpoint, stack.name, point))
        for stack in found.plan.stacks
        for point in found.plan.points
    ]


def _shown(found: Answers, cell: Cell) -> Shown:
    plan = found.plan
    settings = plan.cell(cell.stack, cell.point).settings
    swept = {} if plan.of_latency else {plan.swept}
    texts = [f"{key}={value}" for key, value in settings.items() if key not in swept]
    ends, told = cell.interval(CAPACITY), cell.trials(CAPACITY)
    bound = told.lower_bound and told.mean
    return Shown(
        title=plan.stack(cell.stack).title,
        point=point_text(cell.point),
        settings=" ".join(texts) or "as its app.yml",
        capacity=f"at least {number(told.mean or 0)}"
        if bound
        else _text(cell.value(CAPACITY), ends),
        interval=MISSING if ends is None else interval_text(*ends),
        cpu=_text(cell.value(CPU)),
        memory=_text(cell.value(MEMORY)),
        gave_out=cell.gave_out or MISSING,
        trials=f"{len(told.spans)} of {told.planned}",
    )


def _text(value: float | None, ends: tuple[float, float] | None = None) -> str:
    """Return a figure as text, with as many digits as its interval has, if there is one."""
    return MISSING if value is None else number(value, digits_of(*ends or (0, 0)))


def swept_text(plan: QuestionPlan) -> str:
    """Return what is swept, with its unit."""
    if not plan.of_latency:
        return plan.swept
    return f"latency of the other service ({plan.distribution}), milliseconds"


def cautions(campaign: LoadedCampaign, found: Answers) -> list[str]:
    """Return the cautions that apply to every answer; often an empty list."""
    lacking = lacks(campaign)
    return [
        *([SMALL] if found.plan.scale == "small" else []),
        *([LAB] if campaign.campaign.place == "lab" else []),
        *([f"Not complete: {lacking}."] if lacking else []),
    ]


def page(campaign: LoadedCampaign, found: Answers, charts: Mapping[str, Rendered]) -> str:
    """Return the whole page; the same campaign always gives the same text."""
    return (
        html.environment()
        .get_template("question.html.j2")
        .render(
            about=campaign.campaign,
            plan=found.plan,
            remarks=found.remarks,
            cautions=cautions(campaign, found),
            answers={endpoint: sentences(found, endpoint) for endpoint in found.endpoints},
            cells={endpoint: cells(found, endpoint) for endpoint in found.endpoints},
            charts=charts,
            objective=capacities.objective(campaign),
            swept=swept_text(found.plan),
            points=", ".join(map(point_text, found.plan.points)),
            standings=html.standings(campaign),
            runs=len(campaign.runs),
            confidence=CONFIDENCE,
            tolerance=DEFAULT_TOLERANCE_PERCENT,
        )
    )
