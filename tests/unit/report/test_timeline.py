"""A run over time: all curves on one axis, whichever clock told their times."""

from datetime import timedelta

import pandas as pd
import pytest

from analysis import axis, load
from analysis.charts import timeline
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


def test_figures_of_a_while_are_drawn_in_its_middle(tmp_path):
    campaign, run = loaded(tmp_path, builder.run(1, "flask", "index"))
    rates, _, shares = timeline.draw(campaign, run).figure.axes[:3]
    answered = next(line for line in rates.lines if line.get_label() == "answered")
    assert list(answered.get_xdata()) == [second + 0.5 for second in run.timeline["second"]]
    server = next(line for line in shares.lines if line.get_label() == "server")
    sampled = axis.seconds(campaign, run, "server")
    assert list(server.get_xdata()) == pytest.approx(list(sampled - 0.5))


def test_every_panel_is_drawn(tmp_path):
    campaign, run = loaded(tmp_path, builder.run(1, "flask", "index"))
    chart = timeline.draw(campaign, run)
    curves = [
        {line.get_label() for line in panel.lines if not line.get_label().startswith("_")}
        for panel in chart.figure.axes[:3]
    ]
    assert {"correct", "answered", "due"} <= curves[0]
    assert curves[1] == {"p50", "p99"}
    assert {"server", "client", "server, busiest core"} <= curves[2]
