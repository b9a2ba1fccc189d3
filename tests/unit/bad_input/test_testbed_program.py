"""`testbed`: what it lists and tells, and how it refuses what is wrong."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from refusals import Called, message_of

import analysis.articles.report  # noqa: F401 - takes long on a busy machine; not within a test
from command import completion, doctor, listing, main
from testbed import called, store
from testbed.cli import options, tasks
from testbed.cli.asking import QuestionOptions
from testbed.cli.reproducing import ReproduceOptions
from testbed.errors import MEANINGS, Exit, TestbedError
from testbed.hosts import inventory, playbook
from testbed.hosts.failures import HostUnreachable
from testbed.hosts.remote import Remote
from tests.unit.report import builder, series_builder

ROOT = Path(__file__).resolve().parents[3]
# Every command that has parameters of its own, with words that it needs
COMMANDS = {
    "link": (), "check": (), "deploy": ("flask",), "run": ("round2",), "article": ("agents",),
    "ab": ("round2",), "aa": (), "why": ("round2",), "question": ("threads",),
    "reproduce": ("none.tar.gz",),
    "info": ("flask",), "status": (), "doctor": (),
}  # fmt: skip
# Those that do what `python -m analysis` does, likewise
ANALYSIS = {
    "report": ("x",), "compare": ("x",), "parse": ("x",), "reparse": ("x",), "noise": ("x",),
    "export": ("x", "--csv"), "bundle": ("x",), "serve": ("x",),
}  # fmt: skip
LISTS = ("apps", "workloads", "experiments", "questions", "settings", "results", "generators")


@pytest.fixture
def testbed(place, monkeypatch, capsys):
    """`testbed WORD…` in this process, in an empty results folder and with a small project."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(place / "results"))
    monkeypatch.chdir(place)
    (place / "results").mkdir()

    def call(*words):
        code = 0
        try:
            tasks.reported(main.run)(list(words))
        except SystemExit as end:
            code = end.code
        return Called(code, capsys)

    return call


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_has_examples_and_exit_codes(command, testbed):
    ended = testbed(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"  testbed {command}" in ended.out
    assert f"2    {MEANINGS[Exit.BAD_INPUT]}" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 90


@pytest.mark.parametrize("command", ANALYSIS)
def test_commands_that_read_results_have_a_help(command, testbed):
    ended = testbed(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"testbed {command}" in ended.out


@pytest.mark.parametrize(
    ("command", "model"),
    [
        ("run", options.Options),
        ("article", options.ArticleOptions),
        ("ab", options.VersionOptions),
        ("aa", options.NoiseOptions),
        ("why", options.WhyOptions),
        ("question", QuestionOptions),
        ("reproduce", ReproduceOptions),
        ("link", options.LinkOptions),
        ("check", options.CheckOptions),
        ("deploy", options.DeployOptions),
    ],
)
def test_every_option_of_fab_is_one_of_testbed(command, model, testbed):
    told = testbed(command, "--help").out
    for name in options.defaults(model):
        assert f"{options.option_name(name)} " in told, name


@pytest.mark.parametrize("command", [*COMMANDS, *ANALYSIS])
def test_an_unknown_option_is_one_sentence(command, testbed):
    message = message_of(testbed(command, *(COMMANDS | ANALYSIS)[command], "--rtae=5"))
    assert "--rtae" in message
    assert f"`testbed {command} --help`" in message


def test_remedies_name_commands_as_they_are_called():
    told = "`fab lab.up`, `fab link`, `fab run-round2`, fab run-why; fab --list, fab links"
    assert called.as_called(told) == told
    with called.by(called.TESTBED):
        assert called.as_called(told) == (
            "`testbed lab up`, `testbed link`, `testbed run round2`, testbed why; "
            "fab --list, fab links"
        )
        assert str(TestbedError("not up", remedy="run `fab lab.up`")).endswith("`testbed lab up`")


def test_the_shell_is_offered_apps_results_and_options(testbed, place):
    assert "flask,django" in completion.apps("flask,dj")
    builder.write(place / "results" / "a", builder.campaign([]), [])
    group = typer.main.get_command(main.app)

    def offered(command, typed):
        return [one.value for one in group.commands[command].shell_complete(None, typed)]

    assert offered("report", "res") == ["results/a"]
    assert offered("export", "--c") == ["--csv"]
    assert offered("parse", "") == []


WRONG = [
    (("rnu",), "Did you mean 'run'"),
    (("lab", "upp"), "Did you mean 'up'"),
    (("lab",), "Missing command"),
    (("list", "app"), "Did you mean 'apps'"),
    (("\x1b[2J",), "No such command"),
    (("",), "No such command"),
    (("--reslts=x", "status"), "--results"),
    (("--results=", "status"), "--results: names no folder"),
    (("run",), "Missing argument"),
    (("run", "round2", "--rtae=5"), "did you mean '--rate'?"),
    (("--results=/etc/hostname", "list", "results"), "/etc/hostname is no folder"),
    (("run", "raund2", "--dry-run"), "did you mean 'round2'"),
    (("run", "round2", "round3"), "unexpected extra argument"),
    (("run", "round2", "--rate=fast", "--dry-run"), "--rate: Input should be a valid number"),
    (("run", "round2", "--trials", "0", "--dry-run"), "--trials: "),
    (("run", "round2", "--generator=siege", "--dry-run"), "--generator: "),
    (("run", "nothing.yml", "--dry-run"), "nothing.yml: no such file"),
    (("run", "round2", "--rate"), "requires an argument"),
    (("article", "agnts", "--dry-run"), "did you mean 'agents'"),
    (("article", "agents", "--scale=tiny", "--dry-run"), "--scale: "),
    (("ab", "round2"), "--app and --old and --new: missing"),
    (("aa",), "--app: missing"),
    (("aa", "--app=flask", "--repeats=1"), "--repeats: "),
    (("why", "round2", "--app=flask"), "--against: missing"),
    (("question", "treads", "--dry-run"), "did you mean 'threads'"),
    (("question", "threads", "--scale=tiny"), "--scale: "),
    (("reproduce", "none.tar.gz"), "none.tar.gz: no such file"),
    (("reproduce", "none.tar.gz", "--tolerance=x"), "--tolerance: "),
    (("bundle", "nowhere"), "nowhere: no such folder"),
    (("export", "nowhere", "--csv"), "nowhere: no such folder"),
    (("serve", "nowhere"), "nowhere: no such folder"),
    (("serve", "--port=x"), "--port"),
    (("serve", "--port=65536"), "65536 is no port"),
    (("link", "--inventory=nowhere"), "no inventory at nowhere"),
    (("link", "--duration=0"), "--duration: "),
    (("check", "--apps=flask", "--strict"), "--strict: about hosts"),
    (("deploy", "katalogue", "--apps-path=own"), "did you mean 'catalogue'"),
    (("lab", "status", "--name="), "'' cannot be a lab's name"),
    (("status", "--inventory=nowhere"), "no inventory at nowhere"),
    (("info", "katalogue", "--apps-path=own"), "did you mean 'catalogue'"),
    (("info", ""), "unknown name ''"),
    (("list", "apps", "--apps-path=nowhere"), "no such folder"),
    (("report", "nowhere"), "nowhere: no such folder"),
    (("report",), "no such folder"),
    (("compare", "a"), "a: no such folder"),
    (("parse", "x", "--tool=wkr"), "did you mean 'wrk'?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_what_is_wrong_is_one_sentence(words, says, testbed):
    assert says in message_of(testbed(*words))


def test_alone_it_prints_its_help(testbed):
    ended = testbed()
    assert (ended.code, ended.err) == (0, "")
    assert all(f"  {command}" in ended.out for command in (*COMMANDS, *ANALYSIS, "lab", "list"))


@pytest.mark.parametrize("what", LISTS)
def test_lists_have_a_line_for_each(what, testbed):
    ended = testbed("list", what)
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) > (0 if what == "results" else 1)


def test_results_are_listed_the_latest_first_once_each(testbed, place):
    runs = [builder.run(1, "flask", "index")]
    # the last one of a folder whose name stands behind the others
    for name, month in (("20260101T000000Z-a", 1), ("20260201T000000Z-b", 2), ("x/20250101-d", 0)):
        began = {"campaign": name, "created_at": builder.BEGAN + timedelta(days=30 * month)}
        campaign = builder.campaign(runs).model_copy(update=began)
        builder.write(place / "results" / name, campaign, runs, curves=False)
    broken = place / "results" / "20260301T000000Z-c"
    broken.mkdir()
    (broken / "campaign.json").write_text("{")
    written = (builder.BEGAN + timedelta(days=90)).timestamp()
    os.utime(broken / "campaign.json", (written, written))
    store.point_latest(broken)
    lines = testbed("list", "results").out.splitlines()
    found = [line.split()[0] for line in lines[1:]]
    assert [name[-1] for name in found] == ["c", "b", "a", "d"]
    assert "cannot be read" in " ".join(lines)
    assert "campaign 20260101T000000Z-a" in testbed("info", "20260101T000000Z-a").out
    series_builder.write(place / "results" / "asked", {"rate": series_builder.rate_runs(1)})
    assert "campaigns: as_published-rate" in testbed("info", "asked").out


def test_an_app_is_told_with_its_settings(testbed):
    told = testbed("info", "catalogue", "--apps-path=own").out
    assert "app shop/catalogue: " in told
    assert "setting workers=" in told


def test_every_name_that_is_completed_is_known(testbed, monkeypatch):
    monkeypatch.undo()  # all of the project
    for name in ("round2", "agents", "pacer", "flask"):
        assert name in listing.all_names()


def test_provision_passes_its_arguments_on(testbed, monkeypatch):
    given = []
    monkeypatch.setattr(playbook, "provision", given.extend)
    assert testbed("provision", "-i", "mine", "--tags", "wrk2", "-e", "a=b").code == 0
    assert given == ["-i", "mine", "--tags", "wrk2", "-e", "a=b"]


PASSED_ON = [
    "-i",
    "mine,",
    "-vv",
    "--tags=x,y",
    "-e",
    "a=b",
    "--become-user",
    "u",
    "-K",
    "-C",
    "--fl",
]


def test_what_ansible_does_not_take_is_one_sentence(testbed, monkeypatch):
    monkeypatch.setenv("ANSIBLE_CONFIG", "")  # is put back
    carried_out = []

    def run(command, **_):
        carried_out.append(command[2:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    told = message_of(testbed("provision", "--tgas=x"))
    assert told.startswith("error: --tgas=x: no such option or argument\n")
    assert "did you mean '--tags'? `ansible-playbook --help` says what it takes" in told
    assert "--forks" in message_of(testbed("provision", "--forks=few"))
    assert "expected one argument" in message_of(testbed("provision", "--limit"))
    told = message_of(testbed("provision", "x", "y", "--tags=wrk2"))
    assert told.startswith("error: x: provision carries out site.yml, and no other playbook\n")
    assert carried_out == []
    assert testbed("provision", *PASSED_ON).code == 0
    assert carried_out == [PASSED_ON]


def test_the_doctor_names_what_is_missing_and_how_to_mend_it(testbed, monkeypatch, place):
    (place / "results").rmdir()
    (place / "results").write_text("")

    def load(name):
        raise TestbedError("two hosts are needed", remedy="write a second one")

    monkeypatch.setattr(inventory, "load", load)
    monkeypatch.setenv("PATH", str(place))
    ended = testbed("doctor")
    assert (ended.code, ended.err) == (Exit.NOT_READY, "")
    told = [line[6:] for line in ended.out.splitlines()]
    assert "results: " + str(place / "results") in ended.out
    asked = told.index("inventory: two hosts are needed (wanted: two hosts, without errors)")
    assert told[asked + 1] == "-> write a second one"
    assert told[told.index("git: missing (wanted: on the PATH)") + 1] == f"-> {doctor.BOOTSTRAP}"
    assert re.search(r"^ok +Python: \d", ended.out, re.MULTILINE)
    assert ended.out.count("\nfail ") == ended.out.count("\n      -> ") == 4


@pytest.fixture
def nobody(place, monkeypatch):
    """An inventory of two hosts, of which the server does not answer."""
    path = place / "hosts.yml"
    host = "{{hosts: {{{0}: {{ansible_host: 192.0.2.{1}, bench_address: 198.51.100.{1}, bench_interface: b0}}}}}}"  # noqa: E501
    path.write_text(
        f"server: {host.format('s', 1)}\nclient: {host.format('c', 2)}\n"
        "all: {vars: {testbed_place: metal}}\n"
    )

    def open_(remote):
        if remote.host.role == "server":
            raise HostUnreachable(remote.host, "timed out")

    monkeypatch.setattr(Remote, "open", open_)
    return path


def test_the_status_of_hosts_that_are_not_there(testbed, nobody):
    ended = testbed("status", f"--inventory={nobody}.not")
    assert ended.code == 2  # no such inventory
    ended = testbed("status", f"--inventory={nobody}")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[:2] == [
        "server: 192.0.2.1, no SSH connection: timed out",
        "client: 192.0.2.2, answers",
    ]
    assert lines[2].startswith("  -> is it up?")
    assert lines[3] == "link: never verified"
    assert "results: none in" in lines[4]


def test_the_doctor_tells_of_each_host(testbed, nobody):
    ended = testbed("doctor", f"--inventory={nobody}")
    assert (ended.code, ended.err) == (Exit.NOT_READY, "")
    lines = ended.out.splitlines()
    server = (
        "fail  server host: 192.0.2.1, no SSH connection: timed out (wanted: an SSH connection)"
    )
    assert lines[lines.index(server) + 1].startswith("      -> is it up?")
    assert "ok    client host: 192.0.2.2, answers" in lines


def test_it_works_from_any_folder(tmp_path):
    environment = {name: value for name, value in os.environ.items() if "TESTBED" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "command", "run", "round2", "--dry-run", "--apps=flask"],
        cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "001-flask-" in done.stdout
