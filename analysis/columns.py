"""Declare the columns of the result table, which a page and a text table share."""

from collections.abc import Callable
from dataclasses import dataclass

from analysis import gave_out
from analysis.figures import BY_KEY, COST_KEYS, ERROR_CLASSES, SHOWN_COSTS, Figure
from analysis.groups import censored, has_variants, settings_text, varied_settings
from analysis.load import LoadedCampaign
from analysis.measured import of_figure, text
from testbed.model.results import RunRecord
from testbed.numbers import percent, rate

# Figures that a page shows at first, so that its tables fit into 1400 pixels
AT_FIRST = {"goodput_rps", "errors_total", "response_p50_us", "response_p99_us", *SHOWN_COSTS}
LACKING = {"unsent", "unanswered"}  # and these, if a run has any


@dataclass(frozen=True)
class Column:
    """One column of the result table, written for people."""

    title: str
    cell: Callable[[RunRecord, LoadedCampaign], str]
    number: bool = True
    key: bool = False  # repeated when the table is broken into parts
    needed: Callable[[LoadedCampaign], bool] = lambda _: True
    # Whether the page shows it before its reader chooses columns; the text table shows it always
    at_first: Callable[[LoadedCampaign], bool] = lambda _: True


def _later(campaign: LoadedCampaign) -> bool:
    """Return that a column is shown only if it is chosen."""
    return False


def _figure_column(key: str) -> Column:
    figure = BY_KEY[key]

    def cell(record: RunRecord, campaign: LoadedCampaign) -> str:
        span = of_figure(record, figure, campaign.counted(record))
        return text(figure, span, censored=figure.of_answered and censored(record))

    def at_first(campaign: LoadedCampaign) -> bool:
        outputs = (run.record.output for run in campaign.runs)
        return key in AT_FIRST or (
            key in LACKING and any(one and figure.of(one) for one in outputs)
        )

    return Column(
        figure.title,
        cell,
        needed=lambda campaign: is_shown(figure, campaign),
        at_first=at_first,
    )


def is_shown(figure: Figure, campaign: LoadedCampaign) -> bool:
    """Return whether tables show a figure: a cost only if a run has it, and not the parts of it."""
    if figure.key not in COST_KEYS:
        return True
    has_it = any(of_figure(run.record, figure) is not None for run in campaign.runs)
    return has_it and figure.key in SHOWN_COSTS


def shown_figures(campaign: LoadedCampaign) -> list[Figure]:
    """Return the figures that tables of a campaign show, in their order."""
    return [figure for figure in BY_KEY.values() if is_shown(figure, campaign)]


def asked_rate(record: RunRecord) -> str:
    """Return the asked rate as text, or 'saturation' for a run without a rate."""
    return "saturation" if record.load.rate_rps is None else rate(record.load.rate_rps)


def error_classes(record: RunRecord) -> str:
    """Return the classes that have errors, with their counts: 'timeout 12; status 3'."""
    if record.output is None:
        return ""
    told = record.output.errors.model_dump()
    return "; ".join(f"{name} {told[name]:,}" for name in ERROR_CLASSES if told[name])


def drift_text(drift_percent: float | None) -> str:
    """Return by how many percent a figure of a run changed over the measured part, or 'none'."""
    return "none" if drift_percent == 0 else percent(drift_percent)


def varied_text(record: RunRecord, campaign: LoadedCampaign) -> str:
    """Return the settings that tell the run apart from the other runs of its app."""
    return settings_text(varied_settings(record, campaign))


COLUMNS = (
    Column("App", lambda record, _: record.app_title, number=False, key=True),
    Column("Endpoint", lambda record, _: record.endpoint, number=False, key=True),
    Column(
        "Variant", lambda record, _: record.variant, number=False, key=True, needed=has_variants
    ),
    Column("Trial", lambda record, _: str(record.trial), key=True),
    Column("Settings", varied_text, number=False, needed=has_variants, at_first=_later),
    Column("Verdict", lambda record, _: record.standing, number=False),
    Column("Asked/s", lambda record, _: asked_rate(record)),
    Column(
        "Arrivals",
        lambda record, _: record.load.arrivals or "",
        number=False,
        needed=lambda campaign: any(run.record.load.arrivals for run in campaign.runs),
    ),
    Column(
        "Connections",
        lambda record, _: f"{record.load.connections:,}",
        needed=lambda campaign: len({run.record.load.connections for run in campaign.runs}) > 1,
    ),
    *[_figure_column(key) for key in BY_KEY],
    Column(
        "Drift",
        lambda record, _: drift_text(record.drift_percent),
        needed=lambda campaign: any(run.record.drift_percent is not None for run in campaign.runs),
        at_first=_later,
    ),
    Column(
        "Drift of p50",
        lambda record, _: drift_text(record.response_drift_percent),
        needed=lambda campaign: any(
            run.record.response_drift_percent is not None for run in campaign.runs
        ),
        at_first=_later,
    ),
    Column(
        gave_out.TITLE,
        lambda record, _: gave_out.words(record),
        number=False,
        needed=gave_out.recorded,
    ),
    Column(
        "Load by",
        lambda record, _: record.load.generator,
        number=False,
        at_first=lambda campaign: len({run.record.load.generator for run in campaign.runs}) > 1,
    ),
    Column(
        "Errors by class",
        lambda record, _: error_classes(record),
        number=False,
        at_first=_later,
    ),
)


def columns(campaign: LoadedCampaign) -> list[Column]:
    """Return the columns that this campaign's table needs."""
    return [column for column in COLUMNS if column.needed(campaign)]
