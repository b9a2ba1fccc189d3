"""What compare says first: whether both campaigns measured the same code, and asked the same."""

from analysis.__main__ import main
from analysis.compare.code import changes
from tests.unit.report import builder
from tests.unit.report.test_compare import MANY, QUIET, STEADY, compared, runs, stored

__all__ = ["compared", "stored"]  # fixtures
FILES = {"app.py": "a1", "templates/x.html": "b1", "same.py": "c1", "old.py": "d1"}
LATER = {"app.py": "a2", "templates/x.html": "b2", "same.py": "c1", "y.py": "e1"}
DATA = {"workload.yml": "w1", "dataset.sql": "s1"}


def code(digest, files=None):
    return {"apps": {"flask": digest}} | ({} if files is None else {"app_files": {"flask": files}})


def test_changed_files_of_an_app_are_named_first(stored, compared, capsys):
    a = stored("a", runs(MANY), **code("1" * 12, FILES))
    b = stored("b", runs(STEADY), **code("2" * 12, LATER), testbed={"git_commit": "4567def"})
    document = compared(a, b)[1]
    assert document["differences"][0] == {
        "what": "code of agents/flask",
        "a": "1" * 12,
        "b": "2" * 12,
        "files": {
            "app.py": "changed", "templates/x.html": "changed", "y.py": "new", "old.py": "gone",
        },
    }  # fmt: skip
    main(["compare", a, b, *QUIET])
    told = " ".join(capsys.readouterr().out.partition("What differs between")[2].split())
    assert told.startswith(
        "the campaigns The code of agents/flask differs: app.py, templates/x.html (changed), y.py "
        "(new), old.py (gone). "
    )
    assert "Nothing that is recorded" not in told


def test_code_alone_is_a_difference(stored, compared, capsys):
    a, b = (stored(n, runs(STEADY), **code(n * 12, {"app.py": n})) for n in "12")
    (difference,) = compared(a, b)[1]["differences"]
    assert difference["files"] == {"app.py": "changed"}
    main(["compare", a, b, *QUIET])
    assert "The code of agents/flask differs: app.py (changed).\n" in capsys.readouterr().out


def sentences(a, b):
    return [one.sentence for one in changes(builder.campaign([], **a), builder.campaign([], **b))]


def test_what_was_not_recorded_is_not_made_up():
    assert sentences({}, code("2")) == []
    assert sentences(code("1", FILES), code("2")) == [
        "The code of agents/flask differs; in which files was not recorded."
    ]
    assert sentences({}, {"workload_files": DATA}) == []
    # an earlier version of the testbed kept no files beside the code's folder
    beside = {"../flask/app.yml": "y1"}
    assert sentences(code("1", FILES), code("1", FILES | beside)) == []
    assert sentences(code("1", FILES), code("2", FILES | beside | {"app.py": "a2"})) == [
        "The code of agents/flask differs: app.py (changed)."
    ]


def test_where_no_file_holds_anything_else_it_is_said_what_counts_too():
    files = FILES | {"app.yml": "y1"}  # without it, not all files were recorded
    assert sentences(code("1", files), code("2", files)) == [
        "The code of agents/flask differs, but not in what its files hold: which of them may be "
        "executed counts, too."
    ]
    assert sentences(code("1", FILES), code("2", FILES)) == [
        "The code of agents/flask differs; in which files was not recorded."
    ]


def test_only_apps_of_both_count():
    assert sentences(code("1", FILES), {"apps": {"django": "2"}}) == []
    assert sentences(code("1"), code("2") | {"workload": "todo"}) == []


def test_a_changed_workload_is_named():
    later = {"workload_files": DATA | {"dataset.sql": "s2"}}
    assert sentences({"workload_files": DATA}, later) == [
        "The workload agents differs: dataset.sql (changed)."
    ]


def test_of_many_files_the_first_are_named():
    many = {f"f{n:03}.py": "1" for n in range(50)}
    (told,) = sentences(code("1", {"a.py": "1"}), code("2", many))
    assert told.endswith("f018.py, f019.py (new), … and 31 more.")
