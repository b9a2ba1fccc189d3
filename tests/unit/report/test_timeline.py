"""A run over time: all curves on one axis, whichever clock told their times."""

import re
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from analysis import axis, load
from analysis.histogram import Histogram
from analysis.timelines.heat import MOST_WHILES, ROWS_PER_DECADE, heat_map
from analysis.timelines.panel import MOST_POINTS, Line, panel
from analysis.timelines.run import timeline
from testbed.model.results import Before
from tests.unit.report import builder

CLOCKS = {"server": 2.5, "client": -1.5}  # so far ahead of the control side's
MEASURED_FROM = builder.BEGAN + timedelta(seconds=7)


def loaded(tmp_path, record, **campaign):
    """The campaign of one run, with its curves, read back from its folder."""
    about = builder.campaign([record], **campaign)
    found = load.load(builder.write(tmp_path / "campaign", about, [record]))
    return found, found.runs[0]


def before(ahead_s):
    return Before(
        window_s=0.5, cpus=1, cpu_percent=0, run_queue=0, governor=None, clock_offset_s=ahead_s
    )


def with_samples_at(run, times_s):
    """The run with telemetry of both hosts at these moments of the control side's clock."""
    run.telemetry.update(
        {
            role: pd.DataFrame({"t_s": [t + ahead for t in times_s], "cpu_percent": 50.0})
            for role, ahead in CLOCKS.items()
        }
    )


def test_both_hosts_telemetry_lies_on_the_axis_of_the_timeline(tmp_path):
    record = builder.run(1, "flask", "index").model_copy(
        update={
            "measured_from": MEASURED_FROM,
            "before": {role: before(ahead) for role, ahead in CLOCKS.items()},
        }
    )
    campaign, run = loaded(tmp_path, record)
    with_samples_at(run, [MEASURED_FROM.timestamp() + second for second in (-3, 0, 4)])
    for role in CLOCKS:
        assert list(axis.seconds(campaign, run, role)) == pytest.approx([-3, 0, 4])


@pytest.mark.parametrize(
    ("phases", "warm_up_s"),
    [
        ({"look around": 0.5, "start": 1.0, "load": 23.0, "collect": 1.0}, 3.0),  # by itself
        ({"look around": 0.5, "start": 1.0, "warm-up": 3.1, "drain": 0.2, "load": 20.0}, 3.3),
    ],
)
def test_of_an_older_run_the_axis_follows_from_its_phases(tmp_path, phases, warm_up_s):
    record = builder.run(1, "flask", "index").model_copy(update={"phases_s": phases})
    campaign, run = loaded(tmp_path, record, clock_offset_s=CLOCKS)
    with_samples_at(run, [record.started_at.timestamp() + 1.5 + warm_up_s])
    assert list(axis.seconds(campaign, run, "client")) == pytest.approx([0])


def points(curve):
    """Return the points of a curve's path, as a browser reads it."""
    found, x, y = [], 0, 0
    for mark, *numbers in re.findall(r"([Ml ]?)(-?\d+) ?(-?\d+)", curve.path):
        dx, dy = map(int, numbers)
        x, y = (dx, dy) if mark == "M" else (x + dx, y + dy)
        if mark == "M" or (dx, dy) != (0, 0):
            found.append((x, y))
    return found


def curves_of(drawn, title):
    panel = next(panel for panel in drawn.panels if panel.title == title)
    return {curve.text: points(curve) for curve in panel.curves}, panel


def test_figures_of_a_while_are_drawn_in_its_middle(tmp_path):
    campaign, run = loaded(tmp_path, builder.run(1, "flask", "index"))
    drawn = timeline(campaign, run)
    rates, panel = curves_of(drawn, "requests per second")
    assert [x for x, _ in rates["answered"]] == [10 * s + 5 for s in run.timeline["second"]]
    told = [y / float(panel.scale) for _, y in rates["answered"]]
    assert told == pytest.approx(list(run.timeline["completed"]), rel=1e-3)
    shares, _ = curves_of(drawn, "CPU, %")
    sampled = axis.seconds(campaign, run, "server")
    assert [x for x, _ in shares["server"]] == pytest.approx(list(10 * (sampled - 0.5)), abs=0.51)


def test_every_panel_is_drawn(tmp_path):
    campaign, run = loaded(tmp_path, builder.run(1, "flask", "index"))
    drawn = timeline(campaign, run)
    assert {"correct", "answered", "due"} <= set(curves_of(drawn, "requests per second")[0])
    times, panel = curves_of(drawn, "response time, ms")
    assert set(times) == {"p50", "p99", "generator's lag, p99"}
    assert panel.scale == "log"
    told = [10 ** (y / 1000) for _, y in times["p99"]]
    assert told == pytest.approx(list(run.timeline["response_p99_us"] / 1000), rel=2e-3)
    assert {"server", "client", "server, busiest core"} <= set(curves_of(drawn, "CPU, %")[0])
    assert drawn.heat is not None


def test_of_a_long_run_points_stand_for_several_with_their_mean_or_highest():
    seconds = np.arange(1000.0)
    y = np.where(seconds == 500, 900.0, 100.0)
    for highest, top in ((True, 900.0), (False, (900.0 + 9 * 100.0) / 10)):
        made = panel("p", [Line("l", "main", seconds, y, highest)], (0.0, 1000.0))
        told = [value / float(made.scale) for _, value in points(made.curves[0])]
        assert len(told) <= MOST_POINTS
        assert max(told) == pytest.approx(top, rel=2e-3)


def test_a_missing_figure_is_a_gap_and_a_point_alone_is_seen():
    y = np.array([np.nan, 5.0, np.nan, 7.0, 8.0])
    (curve,) = panel("p", [Line("l", "main", np.arange(5.0), y)], (0.0, 5.0)).curves
    assert curve.path.count("M") == 2
    assert [x for x, _ in points(curve)] == [10, 30, 40]
    assert re.fullmatch(r"(M-?\d+ -?\d+l0 0( ?-?\d+ ?-?\d+)*)+", curve.path.replace(" M", "M"))


@pytest.mark.parametrize("seed", range(5))
def test_every_answer_is_in_one_field_of_the_heat_map(seed):
    dice = np.random.default_rng(seed)
    intervals, times_us = int(dice.integers(5, 400)), np.sort(dice.lognormal(8, 2, 50))
    interval, bucket = dice.integers(0, intervals, 3000), dice.integers(0, 50, 3000)
    answers = dice.integers(1, 20, 3000)
    histogram = Histogram(times_us, interval, bucket, answers, intervals, True)
    drawn = heat_map(histogram, float(intervals), (0.0, float(intervals)))
    together = -(-intervals // MOST_WHILES)
    rows = np.floor(np.log10(np.maximum(times_us, 1)) * ROWS_PER_DECADE)[bucket]
    wanted = len(set(zip(interval // together, rows, strict=True)))
    each = drawn.each_s * 10
    widths = [int(w) for level in drawn.levels for w in re.findall(r"h(\d+)", level.path)]
    assert sum(widths) == pytest.approx(wanted * each, rel=0.02)


def test_no_heat_map_without_intervals():
    whole = np.array([0]), np.array([0]), np.array([5])
    one = Histogram(np.array([1000.0]), *whole, 1, True)
    assert heat_map(one, 20.0, (0.0, 20.0)) is None
