"""Files that a host has sent and that are cut off or edited: checks judge what can be read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.validity import judge
from tests.unit.testbed.sound_run import ROW, evidence_in, rows

HEAD = "t_s,monotonic_s,cpu_percent"
HEADS = (",".join(ROW), "second,phase,completed")
FIELDS = st.sampled_from(["", "-1", "0", "1", "1e9", "1e308", "nan", "x", "measured", "\0", '"'])
CONTENTS = st.binary() | st.lists(st.lists(FIELDS, max_size=len(ROW)).map(",".join)).map(
    lambda lines: "\n".join(lines).encode()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of one run, whose files are written anew for each example."""
    return tmp_path_factory.mktemp("run")


def evidence_of(folder, telemetry, timeline=b""):
    """Evidence of a sound run whose server's telemetry and timeline have these bytes."""
    evidence = evidence_in(folder)(server=rows(), client=rows())
    (folder / "telemetry-server.csv").write_bytes(telemetry)
    (folder / "timeline.csv").write_bytes(timeline)
    return evidence


@settings(max_examples=40)
@given(telemetry=CONTENTS, timeline=CONTENTS, headed=st.booleans())
def test_no_content_is_more_than_the_checks_can_take(folder, telemetry, timeline, headed):
    heads = [f"{head}\n".encode() if headed else b"" for head in HEADS]
    judge(evidence_of(folder, heads[0] + telemetry, heads[1] + timeline))


def test_a_row_counts_as_far_as_it_holds_numbers(folder):
    lines = [HEAD, "1,2,3", "2,nan,4", "3,x,5,6", "inf,3,7", "4,5"]
    evidence = evidence_of(folder, "\n".join(lines).encode())
    assert evidence.telemetry["server"] == [
        {"t_s": 1, "monotonic_s": 2, "cpu_percent": 3},
        {"t_s": 2, "cpu_percent": 4},
        {"t_s": 3, "cpu_percent": 5},
        {"t_s": 4, "monotonic_s": 5},
    ]


def test_a_field_without_end_is_no_file_that_can_be_read(folder):
    assert evidence_of(folder, f'{HEAD}\n"{"x" * 200_000}'.encode()).telemetry["server"] == []
