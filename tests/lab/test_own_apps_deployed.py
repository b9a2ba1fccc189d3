"""Test apps of one's own that are right, and that are wrong: measured, checked, redeployed."""

import re
import shutil

import pytest

from tests.lab.campaigns import FEW_WORKERS, has_figures, interrupt, records, short, wait_until

APP = "agents/starlette"
# It listens where nobody asks, and is waited for no longer than it says
ELSEWHERE = (
    ("--host ${ADDRESS}", "--host ${HOST}"),
    ("settings:", "environment: {HOST: 127.0.0.1}\nsettings:"),
)
SOON = ("settings:", "start_timeout_s: 5\nsettings:")
ACTIVE = "systemctl list-units --plain --no-legend --state=active,activating 'testbed-agents-*'"


@pytest.fixture
def check(own, linked):
    """`fab check` of the own apps, with its exit code and its output on one line."""

    def run(*options, code=0):
        named = ["--workload=agents"] if options else []  # other workloads have a starlette, too
        done = linked.fab("check", f"--apps-path={own}", *named, *options, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return " ".join(done.stdout.split())

    return run


class Starlette:
    """The own app that tests change and deploy again."""

    def __init__(self, own, testbed):
        self.folder, self.testbed = own / APP, testbed
        self.deploying = ("deploy", "starlette", "--workload=agents", f"--apps-path={own}")
        self.kept = {path: path.read_text() for path in self.folder.iterdir() if path.is_file()}
        self.as_it_was = True  # on the server

    def deploy(self):
        """Deploy it, and return what was printed."""
        return self.testbed.fab(*self.deploying).stdout

    def change(self, file, *pairs):
        """Deploy it with texts of one of its files replaced, and return what was printed."""
        self.restore_files()
        for old, new in pairs:
            text = (self.folder / file).read_text()
            assert old in text
            (self.folder / file).write_text(text.replace(old, new, 1))
        self.as_it_was = False
        return self.deploy()

    def restore_files(self):
        """Have its files as they were; those on the server stay."""
        for path, text in self.kept.items():
            path.write_text(text)


@pytest.fixture(scope="module")
def starlette(own, linked):
    return Starlette(own, linked)


@pytest.fixture
def unchanged(starlette):
    """The own apps are deployed as they are in the repository."""
    if not starlette.as_it_was:
        starlette.deploy()
        starlette.as_it_was = True


@pytest.fixture
def changed(starlette):
    """Deploy starlette with texts of one of its files replaced; afterwards its files are as before.

    It is deployed as it was when a test needs it so: each deployment takes several seconds of CPU.
    """
    yield starlette.change
    starlette.restore_files()


@pytest.mark.usefixtures("unchanged")
def test_they_are_measured_beside_the_project_s(own, linked):
    folder = linked.campaign(
        *FEW_WORKERS, f"--apps-path={own}", "--apps=starlette,nginx,flask", *short()
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


def test_without_their_folder_they_are_not_known(own, linked):
    done = linked.fab("run-round2", "--apps=starlette", "--dry-run", check=False)
    assert done.returncode == 2
    assert "unknown app of workload agents: 'starlette'" in done.stderr


def test_a_folder_that_is_not_there_is_named(linked, tmp_path):
    done = linked.fab("run-round2", f"--apps-path={tmp_path}/no", "--dry-run", check=False)
    assert done.returncode == 2
    assert f"{tmp_path}/no: no such folder" in done.stderr
    done = linked.run(
        "ansible-playbook", "site.yml", "-e", f"testbed_apps_path={tmp_path}/no", check=False
    )
    assert done.returncode != 0
    assert f"{tmp_path}/no: no such folder" in done.stdout + done.stderr


@pytest.mark.usefixtures("unchanged")
def test_apps_that_are_right_are_told_to_be(check, ssh):
    shown = check()
    assert "2 apps: 3 ok" in shown
    assert shown.count("as declared") == 3
    assert ssh("server", ACTIVE) == ""


@pytest.mark.usefixtures("unchanged")
def test_a_redeploy_changes_one_app_and_a_second_one_nothing(own, linked, ssh, starlette, changed):
    others = "cd /etc/systemd/system; sha256sum $(ls testbed-*.service | grep -v starlette)"
    before = ssh("server", others), ssh("server", "ls /opt/testbed/apps | grep -v starlette")
    said = changed("service.py", ("import os\n", "import os  # another version\n"))
    assert re.search(r"server +: .*changed=[1-9]", said), said
    after = ssh("server", others), ssh("server", "ls /opt/testbed/apps | grep -v starlette")
    assert after == before
    again = starlette.deploy()
    assert re.search(r"server +: .*changed=0", again), again
    provisioned = linked.run(
        "ansible-playbook", "site.yml", "--tags", "app_deploy", "-e", f"testbed_apps_path={own}"
    )
    assert re.search(r"server +: .*changed=0", provisioned.stdout), provisioned.stdout


def test_an_app_that_gives_no_answer_is_told_with_what_this_start_of_it_does(check, changed):
    broken = "import os\nraise SystemExit('what went wrong before')\n"
    changed("service.py", ("import os\n", broken))
    assert "what went wrong before" in check("--apps=starlette", code=4)
    changed("app.yml", *ELSEWHERE, SOON)
    shown = check("--apps=starlette", code=4)
    assert re.search(r"no answer from http://\S+ in [5-9] s: .*refused", shown)
    assert re.search(
        r"it listens on 127\.0\.0\.1:\d+, and should on \$\{ADDRESS\}:\$\{PORT\}", shown
    )
    assert "Application startup complete" in shown
    assert "what went wrong before" not in shown


def test_an_app_that_listens_everywhere_is_told(check, changed):
    changed("app.yml", ("--host ${ADDRESS}", "--host 0.0.0.0"))
    shown = check("--apps=starlette")
    assert "note" in shown
    assert "so on the management network, too" in shown


def test_wrong_answers_and_sql_are_told(check, changed):
    wrong = (
        """JSONResponse({"hello": "world"} | dict(await request.state.pool.fetchrow("SELECT 1")))"""
    )
    changed("service.py", ('JSONResponse({"hello": "world"})', wrong))
    shown = check("--apps=starlette", code=4)
    assert "the document differs from the expected one at $: keys" in shown
    # PostgreSQL keeps the constant of a statement that was prepared before counting began
    assert re.search(r"not declared: `SELECT \$?1`, once", shown)


def test_ctrl_c_stops_the_app(own, linked, ssh, changed):
    changed("app.yml", *ELSEWHERE)
    process = linked.start_fab(
        "check", "--workload=agents", "--apps=starlette", f"--apps-path={own}"
    )
    wait_until(lambda: ssh("server", ACTIVE), "the app runs")
    code, output = interrupt(process)
    assert code == 130, output
    wait_until(lambda: ssh("server", ACTIVE) == "", "the app is stopped")


@pytest.mark.parametrize("task", [("check", "--apps=starlet"), ("deploy", "starlet")])
def test_an_unknown_app_is_named_with_the_nearest(task, own, linked):
    done = linked.fab(*task, f"--apps-path={own}", check=False)
    assert done.returncode == 2
    assert "did you mean 'starlette'" in done.stderr


def test_a_new_app_takes_site_yml(own, linked):
    shutil.copytree(own / APP, own / "agents" / "newcomer")
    path = own / "agents" / "newcomer" / "app.yml"
    path.write_text(path.read_text().replace("title: ", "title: New "))
    try:
        done = linked.fab("deploy", "newcomer", f"--apps-path={own}", check=False)
    finally:
        shutil.rmtree(own / "agents" / "newcomer")
    assert done.returncode != 0
    assert "is not deployed on" in done.stdout
