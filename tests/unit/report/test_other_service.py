"""What a report and its tables tell of the other service."""

from analysis import other_service
from testbed.model.upstream import Upstream, UpstreamRecord
from tests.unit.report import builder

RUN = builder.run(1, "flask", "index")
DRAWN = Upstream(latency_ms=50, distribution="lognormal", sigma=0.5)


def told(asked, **figures):
    record = UpstreamRecord(asked=asked, seed=1, address="198.18.0.2:8081", **figures)
    return RUN.model_copy(update={"upstream": record})


def test_a_run_without_one_tells_nothing():
    assert other_service.asked(RUN) == other_service.sentence(RUN) == ""
    assert other_service.latency_ms(RUN) is None


def test_what_was_asked_and_how_it_did_stand_together():
    run = told(
        DRAWN, seconds=30, requests=1500, answers=1500, gone=0, strange=0, most_waiting=12,
        cpu_percent=9.5, late_us={"50": 80, "99": 1300}, lag_us={"99": 2400},
    )  # fmt: skip
    assert other_service.sentence(run) == (
        "50 ms at the median, log-normal with sigma 0.5; asked 1,500 times, late by 1.3 ms at p99 "
        "(probes of it: 2.4 ms), 12 answers at most waited for at once, 9.5 % of a core"
    )
    assert other_service.latency_ms(run) == 50


def test_what_is_not_known_is_not_told_as_nothing():
    assert other_service.sentence(told(Upstream(latency_ms=20))) == (
        "20 ms; what it did is not known"
    )
