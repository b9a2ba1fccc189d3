"""Draw all charts of the report. To add one, add a file here and a line to a list below."""

from collections.abc import Callable, Iterator, Mapping

import matplotlib

from analysis.charts import (
    capacity,
    cost,
    errors,
    fonts,
    latency,
    percentiles,
    ramp,
    requests,
)
from analysis.charts.style import RC, Chart, Rendered, noted, render
from analysis.groups import Group, endpoints, groups
from analysis.load import LoadedCampaign

# One chart per endpoint each, in the report's order: the articles' three first.
ENDPOINT_CHARTS: tuple[Callable[[LoadedCampaign, str, list[Group]], Chart | None], ...] = (
    requests.draw,
    errors.draw,
    latency.draw,
    percentiles.draw,
    ramp.draw,
    cost.draw,
)


def endpoint_charts(
    campaign: LoadedCampaign, places: Mapping[str, int]
) -> Iterator[tuple[str, list[Rendered]]]:
    """Draw the charts of every endpoint, in the order asked.

    `places` has the order of groups in them, by the id of each group's first run; groups without a
    place come last, in the order asked.
    """
    shown = fonts.legible(campaign)
    for endpoint in endpoints(campaign):
        members = sorted(
            groups(shown.campaign, endpoint),
            key=lambda group: places.get(group.first.run_id, len(places)),
        )
        with matplotlib.rc_context(RC | {"font.family": shown.families}):
            # Each probe of a search has a rate of its own, chosen by what others showed. Bars and
            # curves of all of them would compare what is not alike: one chart has them by rate
            search = capacity.draw(shown.campaign, endpoint, members)
            others = (chart(shown.campaign, endpoint, members) for chart in ENDPOINT_CHARTS)
            drawn = [search] if search else [chart for chart in others if chart]
            rendered = [render(noted(chart, shown.note)) for chart in drawn]
        yield endpoint, rendered
