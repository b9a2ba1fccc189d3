"""Options and names on the command line."""

import os
import subprocess
import sys
from pathlib import Path

import fabric
import pytest
from refusals import Called, message_of

from testbed.cli.program import Program
from testbed.errors import Exit
from testbed.texts import is_plain

ROOT = Path(__file__).resolve().parents[3]
FOREVER = "9" * 5000

OPTIONS = [
    *(("rate", value, "number") for value in ("inf", "-inf", "nan", "fast", "", "4k", "1,5")),
    *(("rate", value, "equal to 1000000") for value in ("1e308", "1000001", "1e30")),
    *(("rate", value, "greater than 0") for value in ("0", "-1", "-0")),
    ("rate", "1e-9", "no request falls due"),
    *((option, "1_0", "without _") for option in ("rate", "trials", "seed", "until", "duration")),
    *((option, "3.0", "without a point") for option in ("trials", "connections", "seed")),
    ("rate", "true", "number"),
    *(("duration", value, "number") for value in ("inf", "nan", "5s", "true")),
    *(("duration", value, "equal to 1") for value in ("0", "-5", "1e-9")),
    ("duration", "1e308", "equal to 86400"),
    *(("warmup", value, "number") for value in ("inf", "nan", "none")),
    ("warmup", "-1", "equal to 0"),
    *(("timeout", value, "number") for value in ("inf", "nan")),
    ("timeout", "0", "equal to 0.1"),
    *(("connections", value, "integer") for value in ("true", "1e3", "2.5", "inf", "", FOREVER)),
    *(("connections", value, "equal to 1") for value in ("0", "-1")),
    ("connections", "1" + "0" * 30, "equal to 64000"),
    ("threads", "0", "equal to 1"),
    ("threads", "1" + "0" * 30, "equal to 256"),
    ("threads", "21", "more threads than connections"),
    *(("trials", value, "integer") for value in ("true", "three", "1.5", "", FOREVER)),
    *(("trials", value, "equal to 1") for value in ("0", "-3")),
    ("trials", "1000000", "equal to 1000"),
    *(("seed", value, "integer") for value in ("x", "", "1.5", "true", FOREVER)),
    ("seed", "-1", "equal to 0"),
    ("seed", "1" + "0" * 30, "equal to 9007199254740991"),
    ("apps", "catalogue,catalogue", "named twice"),
    ("apps", ",", "no name given"),
    ("apps", "", "no name given"),
    ("apps", "Catalogue", "must be a name"),
    ("apps", "katalogue", "did you mean 'catalogue'"),
    ("apps", "\x1b[2J", "must be a name"),
    ("apps", "a" * 100_000, "must be a name"),
    ("apps", "größe", "must be a name"),
    ("endpoints", "product,product", "named twice"),
    ("endpoints", "order", "nothing to run"),
    ("endpoints", "../x", "must be a name"),
    ("generator", "siege", "'pacer'"),
    ("generator", "", "'pacer'"),
    ("generator", "wrk\n", "'pacer'"),
    ("generator", "ab", "cannot hold a rate"),
    *(("arrivals", value, "'constant' or 'poisson'") for value in ("", "weekly", "POISSON")),
    *(("timeout_from", value, "'due' or 'sent'") for value in ("", "now", "Sent")),
    *(("good_within", value, "number") for value in ("", "soon", "nan", "inf", FOREVER)),
    *(("good_within", value, "equal to 0.001") for value in ("0", "-5")),
    *(("most_probes", value, "integer") for value in ("", "few", "1.5", "true")),
    ("most_probes", "12", "--most-probes is for the mode capacity"),
    *(("telemetry_interval", value, "number") for value in ("inf", "nan", "often")),
    ("telemetry_interval", "0", "equal to 0.1"),
    ("telemetry_interval", "61", "equal to 60"),
    ("apps_path", "", "at least 1 character"),
    ("apps_path", "x" * 5000, "at most 4096"),
    ("apps_path", "\udcff", "valid string"),
    *(("until", value, "number") for value in ("narrow", "%", "", "nan", "3 per cent")),
    *(("until", value, "or equal to 0.1") for value in ("0", "-3%", "1e-300", "0.09")),
    *(("until", value, "number") for value in ("inf", "true", "3%%", FOREVER)),
    ("until", "101%", "equal to 100"),
    ("most", "30", "--most is for --until"),
    ("metric", "goodput_rps", "--metric is for --until"),
    ("resume", "", "at least 1 character"),
    ("resume", "results/x", "does not go with --apps-path, --dry-run"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "value", "says"), OPTIONS)
def test_an_option_is_named_with_what_is_wrong(option, value, says, fab_run):
    message = message_of(fab_run(**{option: value}))
    assert says in message
    if says != "nothing to run":  # apps and endpoints together leave nothing
        assert f"--{option.replace('_', '-')}" in message


EXPERIMENTS = [
    ("", "unknown experiment ''"),
    ("round", "did you mean 'round"),
    ("../experiments/round2", "a file's name ends in .yml"),
    ("/dev/zero", "a file's name ends in .yml"),
    ("/etc", "a file's name ends in .yml"),
    ("x" * 5000, "unknown experiment 'xxx"),
    ("\x1b[2J", r"unknown experiment '\x1b[2J'"),
    ("\udcff", r"unknown experiment '\udcff'"),
    ("nothing.yml", "nothing.yml: no such file"),
    ("x" * 300 + ".yml", "up to 64 printable characters"),
    ("\n.yml", "printable characters"),
    (f"{'d/' * 3000}x.yml", "name too long"),
    (".yml", ".yml: no such file"),
]


@pytest.mark.parametrize(("name", "says"), EXPERIMENTS, ids=range(len(EXPERIMENTS)))
def test_an_experiment_that_is_none_is_named(name, says, fab_run):
    assert says.lower() in message_of(fab_run(name)).lower()


FOLDERS = [
    ("nowhere", "nowhere: no such folder"),
    ("/dev/zero", "/dev/zero: is a device, not a folder"),
    ("pipe", "pipe: is a pipe (FIFO), not a folder"),
    ("experiment.yml", "experiment.yml: is a file, not a folder"),
    ("loop", "loop: cannot be read: Too many levels of symbolic links"),
    ("a\nb\tc\x1b[2J", r"a\nb\tc\x1b[2J: no such folder"),
    ("x" * 300, "cannot be read: File name too long"),
    ("own", "own/campaign.json: no such file"),
]


@pytest.mark.parametrize(("name", "says"), FOLDERS, ids=range(len(FOLDERS)))
def test_a_folder_to_resume_that_is_none_is_named(name, says, fab_run, place, monkeypatch):
    monkeypatch.chdir(place)
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    lab = str(ROOT / "inventory" / "baremetal")
    message = message_of(fab_run(resume=name, inventory=lab, apps_path=None, dry_run=None))
    assert says in message


def test_more_runs_than_anybody_waits_for_are_refused(place, fab_run):
    path = place / "experiment.yml"
    steps = f"mode: ramp\n  ramp: {{of: users, steps: {list(range(1, 101))}}}"
    path.write_text(path.read_text().replace("mode: constant_rate\n  rate_rps: 100", steps))
    message = message_of(fab_run(trials="1000"))
    assert "error: 400,000 runs; a campaign has 10,000 at most" in message


def fab(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "fabric", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "round2", "--rate=inf", "--dry-run"), "--rate: Input should be a finite number"),
        (("run", "nothing.yml", "--dry-run"), "nothing.yml: no such file"),
        (("run-round2", "--connections=1000000000000000000000000000000", "--dry-run"),
         "--connections: Input should be less than or equal to 64000"),
        (("run-article", "agents", "--trials=true", "--dry-run"), "--trials: "),
        (("run-article", "agents", "--parts=x,x", "--dry-run"), "--parts: x is named twice"),
        (("run-article", "../agents", "--dry-run"), "unknown article '../agents'"),
        (("run-article", "agents", "--seed=-1", "--dry-run"), "--seed: "),
    ],
)  # fmt: skip
def test_fab_itself_says_so(arguments, says):
    done = fab(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert says in done.stderr
    assert done.stderr.startswith("error: ")
    assert all(one == "\n" or is_plain(one) for one in done.stderr)


NOTHING = "does nothing here"
OF_FAB_ITSELF = [
    (("nonsense",), "No idea what 'nonsense' is!"),
    (("\x1b[2J",), r"No idea what '\x1b[2J' is!"),
    (("",), "No idea what '' is!"),
    (("run",), "did not receive required positional arguments: 'experiment'"),
    (("run", "round2", "round3"), "No idea what 'round3' is!"),
    (("link", "--inventory"), "needed value"),
    (("check", "--strict=x"), "No idea what 'x' is!"),
    (("--help=nonsense",), "No idea what 'nonsense' is!"),
    (("--list=nonsense",), "'nonsense' not found"),
    (("--list", "-F", "x"), "'x' is none of flat, nested, json"),
    (("--list", "-F", "json", "-D", "1"), "not supported with JSON"),
    (("link", "-t", "x"), "take a whole number"),
    (("link", "--", "ls"), "-- 'ls': fab runs no such commands"),
    (("-H", "other", "link"), "-H/--hosts: this option of Fabric's does nothing here"),
    (("link", "--hosts=other"), "-H/--hosts: this option"),
    (("-H", "", "link"), NOTHING),
    (("-i", "key", "link"), "did you mean --inventory=key?"),
    *(((option, "5", "link"), NOTHING) for option in ("-t", "-T", "-f", "-S", "--hide")),
    *(((option, "link"), NOTHING) for option in ("--dry", "-e", "-p", "-w")),
    *(((f"--prompt-for-{whose}", "link"), NOTHING)
      for whose in ("passphrase", "login-password", "sudo-password")),
]  # fmt: skip


@pytest.fixture
def fab_here(monkeypatch, capsys):
    """`fab ARGUMENT…` in this process."""
    monkeypatch.chdir(ROOT)

    def call(*arguments):
        fab = Program("0", name="Fabric", executor_class=fabric.Executor,
                      config_class=fabric.Config)  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            fab.run(["fab", *arguments])
        return Called(ended.value.code, capsys)

    return call


@pytest.mark.parametrize(("arguments", "says"), OF_FAB_ITSELF)
def test_what_fab_itself_finds_wrong_is_one_sentence(arguments, says, fab_here):
    message = message_of(fab_here(*arguments))
    assert message.startswith("error: ")
    assert says in message


SUGGESTED = [
    (("run-round2", "--rtae=5"), "did you mean '--rate'? `fab --help run-round2`"),
    (("link", "--durtion", "5"), "did you mean '--duration'? `fab --help link`"),
    (("--raet=100",), "did you mean '--rate'? an option stands behind its task"),
    (("run-roundd2",), "did you mean 'run-round2'?"),
    (("lab.upp",), "did you mean 'lab.up'?"),
    (("--help=lnik",), "did you mean 'link'?"),
    (("run-round2", "--zzzzzz"), "-> `fab --help run-round2` lists its options"),
]


@pytest.mark.parametrize(("arguments", "says"), SUGGESTED)
def test_the_nearest_task_or_option_is_suggested(arguments, says, fab_here):
    message = message_of(fab_here(*arguments))
    assert says in message
    assert len(message.splitlines()) == 2


def test_fab_alone_lists_the_tasks_and_no_options_of_fabric(fab_here):
    ended = fab_here()
    assert (ended.code, ended.err) == (0, "")
    assert "run-round2" in ended.out
    assert "--" not in ended.out.replace("--apps", "")


SCRIPTS = {
    "bootstrap": "--test",
    "demo": "lab of two hosts",
    "docs": "--check",
    "lock": "--upgrade",
    "test": "pytest",
}
WRONG_OF_SCRIPTS = [
    ("bootstrap", "--tset"), ("bootstrap", "--test", "x"), ("demo", "--hlep"),
    ("demo", "--help", "x"), ("lock", "django"), ("lock", "--upgrde"),
    ("docs", "--chekc"), ("test", "--numprocesess=2"),
]  # fmt: skip


def script(name, *arguments):
    return subprocess.run(
        ["bash", f"script/{name}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_a_script_tells_what_it_would_do_and_begins_nothing(name, option):
    told = script(name, option)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith(("From nothing", "Install what", "Write ", "Every check"))
    assert SCRIPTS[name] in told.stdout
    assert "==" not in told.stdout  # the demo's steps have headings


@pytest.mark.parametrize("words", WRONG_OF_SCRIPTS, ids=" ".join)
def test_a_script_refuses_what_it_does_not_take(words):
    wrong = script(*words)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: ")
    assert words[-1] in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 2


@pytest.mark.parametrize("arguments", [("--list",), ("--help=link",), ("--list", "-F", "nested")])
def test_what_was_asked_for_is_no_error(arguments, fab_here):
    ended = fab_here(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert "link" in ended.out


HELP_OF = [
    ("run-question", "--help"), ("run-why", "--help"), ("run-why", "saturation", "-h"),
    ("run-ab", "--help"), ("run", "--rate=100", "--help"), ("deploy", "--help"),
    ("compare", "--help"), ("lab.up", "--help"), ("link", "run-aa", "--help"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", HELP_OF)
def test_help_behind_a_task_is_that_task_s(arguments, fab_here):
    ended = fab_here(*arguments)
    task = arguments[1] if arguments[0] == "link" else arguments[0]
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Usage: fab ")
    assert f"] {task} " in ended.out.splitlines()[0]


def test_help_of_no_task_suggests_one(fab_here):
    assert "did you mean 'run-why'?" in message_of(fab_here("run-wy", "--help"))


def test_a_configuration_of_fab_s_own_that_is_none_is_named(fab_here, monkeypatch):
    monkeypatch.setenv("INVOKE_RUNTIME_CONFIG", "/nonexistent.yml.gz")
    assert "fab's own configuration cannot be read" in message_of(fab_here("link"))


def test_fab_is_that_program():
    done = fab("--dry", "link")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--dry/-R: this option of Fabric's does nothing here" in done.stderr


def test_fab_waits_for_no_pipe(tmp_path):
    os.mkfifo(tmp_path / "x.yml")
    done = fab("run", str(tmp_path / "x.yml"), "--dry-run")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path}/x.yml: is a pipe (FIFO), not a file\n"


@pytest.mark.parametrize("words", ["fabric --list", "analysis --help"])
def test_output_whose_reader_has_gone_ends_it_without_a_word(words):
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", *words.split()],
        cwd=ROOT, stdout=writes, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writes)
    assert (done.returncode, done.stderr) == (Exit.INTERRUPTED, "")
