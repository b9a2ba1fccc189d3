"""The chart of percentiles shows, as an area, what coordinated omission would have hidden."""

import pytest

from analysis.charts import percentiles
from analysis.groups import groups
from analysis.load import load
from testbed.model.tool_output import Distribution
from tests.unit.report import builder

SERVICE_US = {"50": 400.0, "90": 500.0, "99": 600.0, "99.999": 700.0}


def drawn(folder, rate_rps=4000.0, service=SERVICE_US):
    """Return the chart of one run with these service times, and the run."""
    times = Distribution(percentiles=service) if service is not None else None
    figures = builder.output(rate_rps=rate_rps, service_us=times, requests=80_000, due=80_000)
    record = builder.run(1, "flask", "index", figures=figures)
    campaign = load(builder.write(folder / "c", builder.campaign([record]), [record]))
    return percentiles.draw(campaign, "index", groups(campaign, "index")), campaign.runs[0]


def test_the_area_lies_between_service_and_response_times(tmp_path):
    chart, run = drawn(tmp_path)
    (area,) = chart.figure.axes[0].collections
    corners = [tuple(corner) for corner in area.get_paths()[0].vertices]
    curve = run.latency.of_due(run.record.load, run.record.output)
    inside = [
        (1 / (1 - share), us / 1000)
        for share, us in zip(curve.fractions, curve.values_us, strict=True)
        if 2 <= 1 / (1 - share) <= 100_000
    ]
    assert len(inside) > 5
    for x, response_ms in inside:
        ends_ms = [y for at, y in corners if at == pytest.approx(x)]
        assert max(ends_ms) == pytest.approx(response_ms)
        assert 0.4 <= min(ends_ms) <= 0.6  # the line has too few answers to reach further
    assert min(x for x, _ in corners) >= 2
    assert percentiles.HIDDEN in chart.caption


@pytest.mark.parametrize("other", [{"rate_rps": None}, {"service": None}, {"service": {"50": 4.0}}])
def test_where_nothing_is_known_of_it_no_area_is_drawn(tmp_path, other):
    chart, _ = drawn(tmp_path, **other)
    assert not chart.figure.axes[0].collections
    assert percentiles.HIDDEN not in chart.caption


@pytest.mark.parametrize("apps", [5, 8, 11])
def test_many_apps_have_a_panel_each_on_one_scale(tmp_path, apps):
    records = [
        builder.run(
            number, f"app{number}", "index", title=f"An application with a long title {number}",
            figures=builder.output(p50_us=300.0 * number),
        )
        for number in range(1, apps + 1)
    ]  # fmt: skip
    campaign = load(builder.write(tmp_path / "c", builder.campaign(records), records))
    chart = percentiles.draw(campaign, "index", groups(campaign, "index"))
    panels = chart.figure.axes
    assert len(panels) == (1 if apps == 5 else apps)
    assert (percentiles.APART in chart.caption) == (apps > 5)
    assert len({panel.get_ylim() for panel in panels} | {panel.get_xlim() for panel in panels}) == 2
    assert {len(panel.lines) for panel in panels} == {apps}
    renderer = chart.figure.canvas.get_renderer()
    titles = [panel._left_title.get_window_extent(renderer) for panel in panels]
    boxes = [*titles, *(panel.get_window_extent(renderer) for panel in panels)]
    for place, box in enumerate(boxes):
        assert box.x1 < chart.figure.bbox.x1
        assert not any(box.overlaps(other) for other in boxes[:place])
