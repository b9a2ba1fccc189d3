"""Draw all charts of the report. To add one, add a file here and a line to a list below."""

from collections.abc import Callable, Iterator

import matplotlib

from analysis.charts import errors, latency, percentiles, ramp, requests, timeline
from analysis.charts.style import RC, Chart, Rendered, render
from analysis.groups import Group, endpoints, groups
from analysis.load import LoadedCampaign, LoadedRun

# One chart per endpoint each, in the report's order: the articles' three first.
ENDPOINT_CHARTS: tuple[Callable[[LoadedCampaign, str, list[Group]], Chart | None], ...] = (
    requests.draw,
    errors.draw,
    latency.draw,
    percentiles.draw,
    ramp.draw,
)
# One chart per run each.
RUN_CHARTS: tuple[Callable[[LoadedCampaign, LoadedRun], Chart | None], ...] = (timeline.draw,)


def endpoint_charts(campaign: LoadedCampaign) -> Iterator[tuple[str, list[Rendered]]]:
    """Draw the charts of every endpoint, in the order asked."""
    for endpoint in endpoints(campaign):
        members = groups(campaign, endpoint)
        with matplotlib.rc_context(RC):
            drawn = [chart(campaign, endpoint, members) for chart in ENDPOINT_CHARTS]
        yield endpoint, [render(chart) for chart in drawn if chart]


def run_charts(campaign: LoadedCampaign) -> Iterator[Rendered]:
    """Draw the charts of every run that has something to show over time."""
    for run in campaign.runs:
        for draw in RUN_CHARTS:
            with matplotlib.rc_context(RC):
                chart = draw(campaign, run)
            if chart:
                yield render(chart)
