"""The table of bounds in docs/experiments.md is what the models hold to."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from analysis.compare import rule
from testbed.asked import plan
from testbed.cli.options import VersionOptions
from testbed.model import kinds
from testbed.model.experiment import MOST_STEPS, Capacity, Design, LoadSpec
from testbed.model.upstream import Upstream
from testbed.tools.ab import Ab

DOCS = (Path(__file__).resolve().parents[3] / "docs/experiments.md").read_text()
TABLE = DOCS.partition("## Bounds")[2].partition("## ")[0]
ROWS = {
    key.strip(): [
        float(number.replace(",", "")) for number in re.findall(r"[\d.]*\d[\d,.]*", cells)
    ]
    for key, cells in re.findall(r"^\| (`?[\w-][^|]*)\|([^|]*\|[^|]*)\|", TABLE, re.MULTILINE)
}


def row(name):
    (found,) = [numbers for key, numbers in ROWS.items() if key.startswith(name)]
    return found


@pytest.mark.parametrize(
    ("name", "model", "field"),
    [
        ("`connections`", LoadSpec, "connections"),
        ("`threads`", LoadSpec, "threads"),
        ("`duration_s`", LoadSpec, "duration_s"),
        ("`warmup_s`", LoadSpec, "warmup_s"),
        ("`timeout_s`", LoadSpec, "timeout_s"),
        ("`good_within_ms`", LoadSpec, "good_within_ms"),
        ("`good_within_ms`", Capacity, "p99_ms"),
        ("`trials`", Design, "trials"),
        ("`link_delay_ms`", Design, "link_delay_ms"),
        ("`latency_ms` of `upstream`", Upstream, "latency_ms"),
        ("`sigma` of `upstream`", Upstream, "sigma"),
        ("`telemetry_interval_s`", Design, "telemetry_interval_s"),
    ],
)
def test_a_number_is_bound_as_the_table_says(name, model, field):
    least, most = row(name)[:2]
    info = model.model_fields[field]
    number = TypeAdapter(info.rebuild_annotation())
    for bound in (least, most):
        value = int(bound) if info.annotation is int else bound
        assert number.validate_python(value) == bound
    for beyond in (least - 0.01, most + 1):
        with pytest.raises(ValidationError):
            number.validate_python(beyond)


def test_the_other_bounds_are_those_of_the_table():
    assert row("`rate_rps`")[-1] == kinds.MOST_RPS
    assert row("`duration_s`")[-1] == Ab.longest_s
    assert row("`--tolerance`") == [0, rule.MOST_TOLERANCE_PERCENT]
    assert row("`--wanted`") == [rule.MOST_WANTED_PERCENT]
    until = TypeAdapter(VersionOptions.model_fields["until"].rebuild_annotation())
    for bound in row("`--until`")[:2]:
        assert until.validate_python(f"{bound} %") == bound
    for beyond in ("0.09", "100.1"):
        with pytest.raises(ValidationError):
            until.validate_python(beyond)
    assert row("steps of a ramp") == [2, MOST_STEPS]
    assert row("runs of a campaign") == [1, plan.MOST_RUNS]
    assert kinds.PER_CPU.fullmatch("1 per cpu")
    assert kinds.PER_CPU.fullmatch("99 per cpu")
    assert not kinds.PER_CPU.fullmatch("100 per cpu")
