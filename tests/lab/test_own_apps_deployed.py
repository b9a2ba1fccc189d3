"""Test apps from a folder outside the repository: one in Python and one that is not."""

from tests.lab.campaigns import has_figures, records, short


def test_own_apps_are_measured_beside_the_project_s(own, verified):
    folder = verified.campaign(
        "run-round2", f"--apps-path={own}", "--apps=starlette,nginx,flask", *short()
    )
    runs = records(folder)
    assert {(run["app"], run["endpoint"]) for run in runs} == {
        ("starlette", "index"),
        ("starlette", "agents"),
        ("nginx", "index"),
        ("flask", "index"),
        ("flask", "agents"),
    }
    for run in runs:
        assert has_figures(run), run
        assert all(check["ok"] for check in run["answers"])
        assert [f for f in run["findings"] if f["check"] in ("answer", "sql")] == []


def test_without_their_folder_they_are_not_known(own, verified):
    done = verified.fab("run-round2", "--apps=starlette", "--dry-run", check=False)
    assert done.returncode == 2
    assert "unknown app of workload agents: 'starlette'" in done.stderr


def test_a_folder_that_is_not_there_is_named(verified, tmp_path):
    done = verified.fab("run-round2", f"--apps-path={tmp_path}/no", "--dry-run", check=False)
    assert done.returncode == 2
    assert f"{tmp_path}/no: no such folder" in done.stderr
    done = verified.run(
        "ansible-playbook", "site.yml", "-e", f"testbed_apps_path={tmp_path}/no", check=False
    )
    assert done.returncode != 0
    assert f"{tmp_path}/no: no such folder" in done.stdout + done.stderr
