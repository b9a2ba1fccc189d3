"""From frames to figures: nothing is lost, and the sums are right."""

import json
import re
from array import array
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given
from hypothesis import strategies as st

from pacer import report, summary
from pacer.check import AnswerCheck
from pacer.merge import Distribution, Merge, Second, new_histogram, percentile
from pacer.response import ResponseReader
from pacer.tally import COUNTERS, COUNTS, SAMPLES, Frame, FrameReader, Tally

MakeTally = Callable[..., Tally]
times_us = st.integers(min_value=0, max_value=20_000_000)


# --- frames ---------------------------------------------------------------------------------------


@given(
    counts=st.lists(st.sampled_from(COUNTS), max_size=10),
    samples=st.lists(st.tuples(st.sampled_from(SAMPLES), times_us), max_size=30),
    size=st.integers(min_value=1, max_value=300),
)
def test_frames_survive_the_pipe(
    counts: list[str], samples: list[tuple[str, int]], size: int
) -> None:
    tally = Tally()
    for number, name in enumerate(counts):
        setattr(tally, name, number)
    for name, value in samples:
        getattr(tally, name).append(value)
    tally.codes.update([404, 500, 404])
    tally.texts.update([("read", "a\nb"), ("read", "{}")])
    tally.limits.update([24])
    frames = [
        Frame("ready"),
        Frame("tally", -3, in_window=True, cohort="warmup", recipe=2, tally=tally),
        Frame("final", facts={"cpu": [1.0, 0.5], "first_errors": {"read": "a\nb"}}),
    ]
    data = b"".join(frame.encode() for frame in frames)
    reader = FrameReader()
    read = [
        frame
        for start in range(0, len(data), size)
        for frame in reader.feed(data[start : start + size])
    ]
    assert [frame.kind for frame in read] == ["ready", "tally", "final"]
    assert (read[1].second, read[1].in_window, read[1].cohort) == (-3, True, "warmup")
    assert read[1].recipe == 2
    for name in (*SAMPLES, *COUNTERS):
        assert getattr(read[1].tally, name) == getattr(tally, name)
    assert read[1].tally.counts() == tally.counts()
    assert read[2].facts == frames[2].facts


def test_what_is_taken_is_counted_once(tally: MakeTally) -> None:
    counting = tally(due=3, correct=[1, 2])
    counting.texts["read", "a"] += 2
    taken = counting.take()
    assert (taken.due, list(taken.correct), taken.texts.total()) == (3, [1, 2], 2)
    assert (counting.due, list(counting.correct), counting.texts.total()) == (0, [], 0)
    counting.due += 1
    taken.add(counting.take())
    assert (taken.due, counting.due) == (4, 0)


def test_balance_can_fail(tally: MakeTally) -> None:
    counts = {"due": 9, "sent": 7, "completed": 4, "ok": 2, "status": 1, "wrong_body": 1}
    counts |= {"connect": 1, "read": 1, "write": 0, "timeout": 1, "unsent": 1, "unanswered": 1}
    assert tally(**counts).balanced
    for name in counts:
        assert not tally(**(counts | {name: counts[name] + 1})).balanced, name


# --- distributions --------------------------------------------------------------------------------


@given(st.lists(times_us, min_size=1, max_size=300), st.integers(min_value=1, max_value=4))
def test_moments_are_exact_however_split(values: list[int], parts: int) -> None:
    distribution = Distribution()
    for part in range(parts):
        distribution.add(Counter(values[part::parts]))
    assert distribution.count == len(values)
    assert (distribution.min, distribution.max) == (min(values), max(values))
    assert distribution.mean == pytest.approx(np.mean(values))
    assert distribution.stdev == pytest.approx(np.std(values), abs=1e-6)
    for name, value in distribution.percentiles().items():
        rank = max(1, int(len(values) * float(name) / 100 + 0.5))  # as HdrHistogram rounds
        assert value == pytest.approx(sorted(values)[rank - 1], rel=1e-3, abs=1)
        assert value <= max(values)


@given(st.lists(times_us, min_size=1, max_size=100), st.sampled_from([50, 90, 99, 100]))
def test_exact_percentile(values: list[int], percent: int) -> None:
    exact = np.percentile(values, percent, method="inverted_cdf")
    assert percentile(Counter(values), percent) == exact


@pytest.mark.parametrize(
    ("count", "last"), [(1, "99"), (999, "99"), (1000, "99.9"), (10_000, "99.99")]
)
def test_percentiles_only_as_far_as_samples_reach(count: int, last: str) -> None:
    distribution = Distribution()
    distribution.add(Counter(range(count)))
    assert list(distribution.percentiles())[-1] == last


def test_no_samples_no_figures() -> None:
    distribution = Distribution()
    distribution.add(Counter())
    assert (distribution.mean, distribution.stdev, distribution.max) == (None, None, None)
    assert distribution.percentiles() == {}
    assert percentile(Counter(), 50) is None


def test_times_beyond_the_histogram_are_not_lost() -> None:
    distribution = Distribution()
    distribution.add(Counter([10**12, 5]))
    assert distribution.histogram.get_total_count() == 2
    assert distribution.max == 10**12


# --- seconds --------------------------------------------------------------------------------------


def frames_of_a_run(tally: MakeTally) -> list[Frame]:
    """Warm-up, a second that ends within the measured part of 1.5 s, and a drain."""
    return [
        Frame(
            "tally",
            -1,
            cohort="warmup",
            tally=tally(due=2, sent=2, completed=1, ok=1, correct=[10], lag=[1, 1]),
        ),
        Frame(
            "tally",
            0,
            in_window=True,
            cohort="warmup",
            tally=tally(completed=1, ok=1, correct=[900]),
        ),
        Frame(
            "tally",
            0,
            in_window=True,
            tally=tally(due=3, sent=3, completed=1, ok=1, slow=1, correct=[20], lag=[2] * 3),
        ),
        Frame("tally", 1, in_window=True, tally=tally(completed=1, status=1, failed=[30])),
        Frame("tally", 1, tally=tally(completed=1, ok=1, correct=[40])),
    ]


def test_merging(tally: MakeTally) -> None:
    merge = Merge()
    for frame in frames_of_a_run(tally):
        merge.add(frame)
    assert [second.second for second in merge.close_before(1)] == [-1, 0]
    assert list(merge.close_before(1)) == []
    assert [second.second for second in merge.close_before(None)] == [1]
    assert (merge.measured.completed, merge.warmup.completed) == (3, 2)
    assert (merge.answered_in_window, merge.ok_in_window, merge.good_in_window) == (3, 2, 1)
    counted = {name: times.count for name, times in merge.distributions.items()}
    # The warm-up's are not among them
    assert counted == {
        "response": 3,
        "correct": 2,
        "failed": 1,
        "service": 0,
        "lag": 3,
        "handshake": 0,
    }
    assert merge.seconds[1] == Second(0, 3, 3, 2, 2, 1, 0, 20, 900, 20, 900, None, None, 2)
    assert merge.seconds[2] == Second(1, 0, 0, 2, 1, 1, 1, 30, 40, 40, 40, 30, 30, None)


def test_seconds_without_frames_are_there(tally: MakeTally) -> None:
    merge = Merge()
    for number in (0, 3):
        merge.add(Frame("tally", number, tally=tally(due=1)))
    assert [(second.second, second.due) for second in merge.close_before(None)] == [
        (0, 1), (1, 0), (2, 0), (3, 1)
    ]  # fmt: skip


def test_timeline(tally: MakeTally) -> None:
    merge = Merge()
    for frame in [*frames_of_a_run(tally), Frame("tally", 2), Frame("tally", 3)]:
        merge.add(frame)
    merge.close_before(None)
    assert report.timeline(merge.seconds, 1.5).splitlines() == [
        "second,phase,due,sent,completed,ok,good,errors,response_p50_us,response_p99_us,"
        "correct_p50_us,correct_p99_us,failed_p50_us,failed_p99_us,lag_p99_us",
        "-1,warmup,2,2,1,1,1,0,10,10,10,10,,,1",
        "0,measured,3,3,2,2,1,0,20,900,20,900,,,2",
        "1,measured,0,0,2,1,1,1,30,40,40,40,30,30,",
    ]
    assert report.timeline(merge.seconds, 1.0).splitlines()[-1].startswith("1,drain,")


def test_histogram_log_is_read_by_others(tally: MakeTally, tmp_path: Path) -> None:
    merge = Merge()
    values: list[tuple[list[int], list[int]]] = [
        ([100, 200, 3_000_000], []),
        ([150] * 5, [7]),
        ([], []),
    ]
    for second, (correct, failed) in enumerate(values):
        merge.add(Frame("tally", second, tally=tally(correct=correct, failed=failed)))
    merge.close_before(None)
    file = tmp_path / "run.hdr"
    file.write_text(report.histogram_log(merge, "2026-03-02T09:30:05.500000+00:00"))
    reader = HistogramLogReader(str(file), new_histogram())
    intervals = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        intervals.append(interval)
    reader.close()
    assert reader.get_start_time_sec() == pytest.approx(1772443805.5)
    counts = [(interval.get_tag(), interval.get_total_count()) for interval in intervals]
    assert counts == [("correct", 3), ("correct", 5), ("failed", 1)]
    starts_ms = [interval.get_start_time_stamp() for interval in intervals]
    assert starts_ms == pytest.approx([1772443805500, 1772443806500, 1772443806500])
    assert intervals[0].get_value_at_percentile(50) == 200
    encoded = merge.distributions["response"].histogram.encode()
    assert HdrHistogram.decode(encoded).get_total_count() == 9


# --- answers, text and files ----------------------------------------------------------------------


def test_body_check() -> None:
    good = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # SHA-256 of hello
    check = AnswerCheck(length=5, sha256=good, every=1)
    reader = ResponseReader(keep_body=check.wants_body())
    for body, problem in [
        (b"hello", None),
        (b"hello", None),
        (b"jello", "SHA-256"),
        (b"hi", "length 2 instead of 5"),
    ]:
        assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        assert check.looks_at_bodies
        found = check.problem(reader)
        assert found is None if problem is None else problem in str(found)


def test_body_check_samples() -> None:
    check = AnswerCheck(length=None, sha256="0" * 64, every=3)
    assert [check.wants_body() for _ in range(6)] == [False, False, True] * 2
    assert not AnswerCheck(length=None, sha256=None).wants_body()


@pytest.mark.parametrize(
    ("us", "text"),
    [(None, "-"), (0, "0us"), (999, "999us"), (1000, "1.00ms"), (2_500_000, "2.50s")],
)
def test_durations_as_text(us: float | None, text: str) -> None:
    assert summary.duration(us) == text


def test_percentiles_as_text_are_of_all_requests_if_some_have_no_correct_answer() -> None:
    correct = Distribution()
    correct.add(Counter({1000: 500, 2000: 482, 90_000: 9}))
    document = report._times({"correct": correct, "response": correct, "service": correct})
    figures = {
        "due": 1000, "ok": 991, "completed": 995, "loop": "open", **document,
        "lag_us": {"percentiles": {}},
        "histograms": {"correct_us": correct.histogram.encode()},
    }  # fmt: skip
    text = "\n".join(summary._percentiles(figures))
    assert re.search(r"99% +90.00ms +2.00ms +2.00ms +-", text)
    assert re.search(r"95% +2.00ms +2.00ms", text)
    assert "First of the 1000 requests due, of which the 9 without a correct answer" in text
    assert "then of 995 answers." in text
    text = "\n".join(summary._percentiles(figures | {"due": 1100, "loop": "closed"}))
    assert re.search(r"90% +90.00ms +2.00ms", text)
    assert re.search(r"95% +>=90.00ms +2.00ms", text)
    assert "requests begun" in text


def test_nothing_answered_leaves_no_percentile() -> None:
    empty = {"percentiles": {}, "max": None}
    figures = {
        "due": 10, "ok": 0, "completed": 0, "loop": "open", "response_us": empty,
        "correct_us": empty, "service_us": empty, "lag_us": empty,
        "histograms": {"correct_us": Distribution().histogram.encode()},
    }  # fmt: skip
    text = "\n".join(summary._percentiles(figures))
    assert re.search(r"99% +>=0us +- +- +-", text)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0B"), (999, "999B"), (1000, "1.00kB"), (2.5e9, "2.50GB")]
)
def test_sizes_as_text(count: float, text: str) -> None:
    assert summary.size(count) == text


def test_the_example_in_the_documentation_adds_up(
    adds_up: Callable[[dict[str, Any]], None],
) -> None:
    text = (Path(report.__file__).parent / "FORMAT.md").read_text()
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    adds_up(example)
    rate = example["answered_in_window"] / example["measured_s"]
    assert example["throughput_rps"] == pytest.approx(rate, abs=1e-4)
    assert example["schema_version"] == report.SCHEMA_VERSION
    header = ",".join(report.TIMELINE_COLUMNS)
    assert header in text


def test_samples_fit_the_pipe() -> None:
    assert array("q").itemsize == 8
