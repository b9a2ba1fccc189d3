"""Crossovers of known truth, over settings drawn anew each time; verdicts in their order."""

import math

import numpy as np
import pytest

from analysis.question.crossing import At, crossing
from bench.question import drawn, holds
from tests.unit.draws import at_least, at_most, dice, seed

__all__ = ["dice", "seed"]  # fixtures
CAMPAIGNS = 150


def test_what_is_said_of_a_crossover_holds(dice, seed):
    held = seen = 0
    for _ in range(CAMPAIGNS):
        setting = drawn(dice, "crosses")
        found = setting.asked(dice)[2]
        held += holds(found, setting.truth_ms)
        seen += found.course == "rises"
    assert at_least(held, CAMPAIGNS, 0.99), (held, seed)
    assert at_least(seen, CAMPAIGNS, 0.6), (seen, seed)  # it says something, too


def test_no_crossover_is_seen_where_there_is_none(dice, seed):
    false = sum(
        drawn(dice, "ahead").asked(dice)[2].course in ("rises", "falls", "several")
        for _ in range(CAMPAIGNS)
    )
    assert at_most(false, CAMPAIGNS, 0.01), (false, seed)


def test_equal_stacks_are_not_told_apart(dice, seed):
    apart = sum(
        bool({"ahead", "behind"} & {*drawn(dice, "equal").asked(dice)[1]}) for _ in range(CAMPAIGNS)
    )
    assert at_most(apart, CAMPAIGNS, 0.01), (apart, seed)


def at(text, ratios=None):
    """Points 0, 1, 2 … with the verdicts of these letters."""
    words = {"a": "ahead", "b": "behind", "l": "level", "u": "undecided", "-": "no data"}
    ratios = ratios or [None] * len(text)
    return [At(float(n), words[one], ratios[n]) for n, one in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "course", "above", "below"),
    [
        ("bbaa", "rises", 1, 2),
        ("bulua", "rises", 0, 4),
        ("aabb", "falls", 1, 2),
        ("aaaa", "ahead", None, None),
        ("auua", "ahead", None, None),
        ("bbbb", "behind", None, None),
        ("luaa", "ahead", None, 2),
        ("aalu", "ahead", 1, None),
        ("ubbb", "behind", None, 1),
        ("uaau", "ahead", None, None),
        ("abab", "several", None, None),
        ("babu", "several", None, None),
        ("llll", "level", None, None),
        ("lluu", "untold", None, None),
        ("----", "untold", None, None),
        ("b--a", "rises", 0, 3),
        ("", "untold", None, None),
        ("a", "ahead", None, None),
    ],
)
def test_verdicts_in_their_order_say_where_one_is_ahead(text, course, above, below):
    found = crossing(at(text))
    assert (found.course, found.above, found.below) == (course, above, below)
    assert found.throughout == (
        course == {"a": "ahead", "b": "behind"}.get(text[:1]) and text[0] == text[-1]
    )


def test_what_lies_between_is_interpolated_by_the_logarithm():
    found = crossing(at("bua", [0.5, 0.8, 1.25]))
    assert found.about == pytest.approx(math.sqrt(2 * 3) - 1)
    assert crossing(at("buua", [0.5, 1.1, 0.9, 2.0])).about is None
    assert crossing(at("b-a", [0.5, None, 2.0])).about == pytest.approx(math.sqrt(3) - 1)


def test_the_truth_of_a_setting_is_where_its_ratio_is_one(dice):
    setting = drawn(dice, "crosses")
    assert np.isclose(setting.log_ratio(setting.truth_ms), 0)
