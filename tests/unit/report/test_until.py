"""To go on until intervals are narrow: the number of trials, and what the intervals are worth."""

import json
import math

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.compare import until
from analysis.intervals import paired, trials_needed
from analysis.ratio import Span, estimate
from bench.until import Setting, called_worse, held, held_if_peeked, stopped
from testbed.errors import TestbedError
from testbed.model.campaign import Until
from tests.unit.draws import dice, seed, surely_within
from tests.unit.report import builder
from tests.unit.report.test_compare import runs
from tests.unit.report.test_intervals import spread

__all__ = ["dice", "seed"]  # fixtures
ASKED = Until(percent=3, metrics=["goodput_rps"], first_trials=6, most_trials=40)


def setting(dice):
    return Setting(
        first=2 * int(dice.integers(3, 6)),
        most=int(dice.integers(20, 50)),
        percent=dice.uniform(1, 10),
        sd=spread(dice),
        block_sd=dice.uniform(0, 0.15),
    )


@pytest.mark.parametrize("time", range(6))
def test_intervals_hold_the_true_ratio_though_trials_went_on(seed, dice, time):
    asked = setting(dice)
    count = held(stopped(asked, 1, 5000, dice).ratios)
    assert surely_within(count, 5000, 0.93, 0.97), f"{count}: seed {seed}, {asked}"


@pytest.mark.parametrize("time", range(3))
def test_equal_versions_are_called_worse_in_5_of_100_campaigns_at_most(seed, dice, time):
    asked, cells = setting(dice), int(dice.integers(1, 7))
    count = called_worse(stopped(asked, cells, 2000, dice).ratios)
    assert surely_within(count, 2000, 0, 0.05), f"{count}: seed {seed}, {cells} cells, {asked}"


def test_to_look_after_each_trial_would_not_hold_it(dice):
    asked = Setting(6, 40, 3, 0.03, 0.0)
    peeking = held_if_peeked(asked, stopped(asked, 1, 4000, dice))
    assert surely_within(peeking, 4000, 0, 0.92)


def test_intervals_are_as_narrow_as_asked_if_the_most_allows_it(dice):
    of, to = (np.exp(dice.normal(0, 0.04, (300, 4000))) for _ in range(2))
    needed = np.clip(trials_needed(of[:, :6], to[:, :6], 3), 6, None).astype(int)
    for a, b, count in zip(of, to, needed, strict=True):
        found = paired(a[:count], b[:count], 6)
        assert float(found.high() / np.exp(found.centre)) <= 1.03 + 1e-9


def test_the_number_is_stein_s():
    of, to = [100.0, 104.0, 97.0, 101.0], [100.0, 99.0, 101.0, 100.0]
    shares = np.array(of) / np.mean(of) - np.array(to) / np.mean(to)
    by_hand = (student.ppf(0.975, 3) * shares.std(ddof=1) / math.log(1.03)) ** 2
    assert trials_needed(of, to, 3) == math.ceil(by_hand)


def test_only_the_first_trials_tell_the_scatter():
    steady = [Span.exact(rate) for rate in (100.0, 101.0, 99.0, 100.0)]
    wild = [Span.exact(rate) for rate in (50.0, 150.0)]
    to = [Span.exact(100.0)] * 6
    found = estimate([*steady, *wild], to, paired=True, first=(4, 4))
    assert found.label == "95 % interval (t, 6 pairs of trials, scatter of the first 4)"
    assert found.high < 1.03 < estimate([*steady, *wild], to, paired=True).high


@pytest.fixture
def watched(tmp_path):
    """Writes a campaign of two apps that watches their ratio; returns its folder."""

    def write(flask, django, asked=ASKED, **other):
        records = [*runs(flask, app="flask", **other), *runs(django, app="django", **other)]
        records = [
            record.model_copy(update={"run_id": f"{n:03d}{record.run_id[3:]}"})
            for n, record in enumerate(records, start=1)
        ]
        about = builder.campaign(records, until=asked, asked={"trials": 6})
        return builder.write(tmp_path / "results", about, records, curves=False)

    return write


DJANGO = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1000.0]


def test_the_ratio_that_scatters_most_decides(watched):
    shaky = [rate * factor for rate, factor in zip(DJANGO, (1, 1.1, 0.9, 1.1, 0.9, 1), strict=True)]
    folder = watched(shaky, DJANGO)
    by_hand = trials_needed(shaky, DJANGO, 3)
    assert until.trials_needed(folder) == min(40, by_hand + by_hand % 2)
    assert until.trials_needed(folder) > 6


def test_trials_that_agree_are_enough(watched):
    folder = watched(DJANGO, DJANGO)
    assert until.trials_needed(folder) == 6
    text = until.told(folder)
    assert "Goodput/s: django / flask: 1.00 (95 % interval (t, 6 pairs" in text
    assert text.endswith("scatter of the first 6): 1.00 to 1.00; reaches 0 %)")


def test_more_than_the_most_are_not_made(watched):
    folder = watched([500.0, 1500.0, 800.0, 1200.0, 600.0, 1400.0], DJANGO)
    assert until.trials_needed(folder) == 40
    assert "not as narrow as asked for" in until.told(folder)


def test_later_trials_have_no_say(watched):
    folder = watched([*DJANGO, 5000.0, 10.0], [*DJANGO, 1000.0, 1000.0])
    assert until.trials_needed(folder) == 6


def test_what_cannot_be_known_is_said(watched):
    folder = watched(DJANGO[:1], DJANGO[:1])
    assert until.trials_needed(folder) == 6
    assert "not known; fewer than two blocks count" in until.told(folder)


@pytest.mark.parametrize(
    "other",
    [{"metrics": ["speed"]}, {"percent": 0}, {"percent": -3}, {"first_trials": 0},
     {"most_trials": 10**9}],
)  # fmt: skip
def test_a_campaign_that_watches_what_cannot_be_is_refused(watched, other):
    """Its record has no digest, as if it had been written by hand."""
    path = watched(DJANGO, DJANGO) / "campaign.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"until": data["until"] | other, "digest": None}))
    for ask in (until.trials_needed, until.told):
        with pytest.raises(TestbedError, match="unknown metric 'speed'|campaign.json: until"):
            ask(path.parent)


@pytest.mark.parametrize("key", ["speed", "capacity_rps"])
def test_a_figure_that_is_not_watched_is_refused(key):
    with pytest.raises(TestbedError, match=f"unknown metric '{key}'"):
        until.check(["goodput_rps", key])
