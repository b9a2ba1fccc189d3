from testbed.model.catalogue import Housekeeping
from testbed.model.endpoint import Statement
from testbed.validity import sql


def test_statements_are_sorted_out_and_counted_per_request():
    seen = sql.sorted_out(
        [("select  a\n from t;", 90), ("select a from t", 10), ("BEGIN", 100), ("drop t", 1)],
        [Statement(texts=["SELECT A", "select a from t"])],
        [Housekeeping(pattern="begin|commit", reason="transactions")],
        requests=50,
    )
    assert [(one.text, one.calls, one.calls_per_request, one.kind) for one in seen] == [
        ("select a from t", 100, 2.0, "declared"),
        ("BEGIN", 100, 2.0, "housekeeping"),
        ("drop t", 1, 0.02, "unexpected"),
    ]


def test_housekeeping_matches_whole_statements_only():
    seen = sql.sorted_out(
        [("begin; drop t", 1)], [], [Housekeeping(pattern="begin", reason="r")], requests=None
    )
    assert seen[0].kind == "unexpected"
    assert seen[0].calls_per_request is None
