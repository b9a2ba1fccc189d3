"""What is said of a course of verdicts is true of it: of all courses of up to four points."""

from itertools import product

import pytest

from analysis.compare.cells import CAPACITY
from analysis.question import words
from analysis.question.answers import Cell, Compared, Pairing
from analysis.question.crossing import At, crossing
from tests.unit.report.question_builder import POINTS, plan

VERDICTS = ("ahead", "behind", "level", "undecided", "no data")
MORE, LESS = "Tasks serves more than Threads", "Tasks serves less than Threads"


def said(verdicts):
    """The sentence on a course with these verdicts."""
    points = POINTS[: len(verdicts)]
    asked = plan(points=points)
    compared = [
        Compared(
            CAPACITY,
            Cell("upstream", "tasks", point, {}),
            Cell("upstream", "threads", point, {}),
            None,
            verdict,
        )
        for point, verdict in zip(points, verdicts, strict=True)
    ]
    passes = crossing([At(*one) for one in zip(points, verdicts, strict=True)])
    pairing = Pairing("upstream", CAPACITY, "tasks", "threads", compared, passes)
    return words._pairing(asked, pairing)


def courses(least, most):
    for count in range(least, most + 1):
        yield from product(VERDICTS, repeat=count)


def test_one_serves_more_is_said_where_it_was_told_and_only_there():
    for verdicts in courses(1, 4):
        text, told = said(verdicts), {*verdicts}
        for word, does in (("ahead", MORE), ("behind", LESS)):
            alone = does in text and "From somewhere" not in text and "Up to somewhere" not in text
            if alone and "at some latencies" not in text:
                assert word in told, (verdicts, text)
        if told <= {"level", "undecided", "no data"}:
            assert MORE not in text, (verdicts, text)
            assert LESS not in text, (verdicts, text)
        else:
            assert "serves" in text or "it serves" in text, (verdicts, text)


def test_that_there_is_no_crossover_is_said_only_if_both_ends_agree():
    for verdicts in courses(2, 4):
        text = said(verdicts)
        ends = {verdicts[0], verdicts[-1]}
        one_side = len(ends) == 1 and ends < {"ahead", "behind"}
        other = {"ahead": "behind", "behind": "ahead"}.get(verdicts[0])
        certain = (one_side and other not in verdicts) or {*verdicts} == {"level"}
        assert text.startswith("No crossover within") == certain, (verdicts, text)


def test_what_is_level_is_not_said_to_be_untold():
    for verdicts in courses(1, 4):
        text = said(verdicts)
        if "level" in verdicts and not {"ahead", "behind"} & {*verdicts}:
            assert "serve as much" in text, (verdicts, text)
        if "level" not in verdicts:
            assert "serve as much" not in text, (verdicts, text)


def test_where_a_level_point_lies_within_a_claim_it_is_said():
    for verdicts in courses(3, 4):
        text = said(verdicts)
        side = verdicts[0] if verdicts[0] in ("ahead", "behind") else verdicts[-1]
        told = [place for place, one in enumerate(verdicts) if one == side]
        between = verdicts[told[0] : told[-1]] if told else ()
        claims = ("From ", "Up to ") if "level" in between and "No " not in text else ()
        if text.startswith(claims):
            assert "; but at " in text, (verdicts, text)
        if "; but at " in text:
            assert "level" in verdicts, (verdicts, text)


def test_no_data_is_said_only_if_there_are_none():
    for verdicts in courses(1, 4):
        text = said(verdicts)
        assert ("no data" in text) == ({*verdicts} == {"no data"}), (verdicts, text)


@pytest.mark.parametrize(
    ("verdicts", "text"),
    [
        (["ahead"], f"{MORE} at 0 ms."),
        (["level"], "Tasks against Threads at 0 ms: both serve as much."),
        (["undecided"], "Tasks and Threads cannot be told apart in how much they serve at 0 ms."),
        (
            ["undecided", "ahead", "undecided"],
            "No crossover was seen within 0 to 50 ms: wherever they can be told apart, Tasks "
            "serves more than Threads.",
        ),
        (
            ["level", "undecided", "ahead"],
            "From 50 ms at the latest, Tasks serves more than Threads; elsewhere both serve as "
            "much or that cannot be told, and no crossover was seen.",
        ),
        (
            ["level", "no data"],
            "No crossover was seen within 0 to 10 ms: Tasks against Threads, both serve as much "
            "wherever that can be told.",
        ),
    ],
)
def test_sentences_on_courses_without_a_crossover(verdicts, text):
    assert said(verdicts) == text
