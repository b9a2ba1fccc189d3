"""Tasks that need no host, called as a user calls them."""

import subprocess
import sys
from pathlib import Path

import pytest

from testbed import store
from testbed.errors import Exit
from tests.unit.report import builder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def fab(tmp_path, monkeypatch):
    """Calls fab with a results folder of the test's own."""
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path))

    def call(*arguments):
        command = [sys.executable, "-m", "fabric", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return call


def stored(folder, goodput_rps):
    runs = [
        builder.run(trial, "flask", "index", trial=trial,
                    figures=builder.output(goodput_rps=goodput_rps + trial))
        for trial in (1, 2, 3)
    ]  # fmt: skip
    return builder.write(folder, builder.campaign(runs), runs, curves=False)


def test_compare_passes_its_options_and_its_exit_code_on(fab, tmp_path):
    a, b = (stored(tmp_path / name, rate) for name, rate in (("a", 3990.0), ("b", 3590.0)))
    undecided = fab("compare", str(a), str(b), "--metric", "goodput_rps")
    assert undecided.returncode == Exit.NOT_VALID, undecided.stderr
    worse = fab("compare", str(a), str(b), "--metric", "goodput_rps", "--between", "0.5")
    assert worse.returncode == Exit.WORSE, worse.stderr
    same = fab("compare", str(a), str(b), "--metric", "goodput_rps", "--tolerance", "20", "--json",
               "--between", "0.5")  # fmt: skip
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("{")
    wrong = fab("compare", str(a), str(tmp_path / "nowhere"))
    assert wrong.returncode == Exit.BAD_INPUT
    assert "no such folder" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_report_takes_the_latest_campaign(fab, tmp_path):
    folder = stored(tmp_path / "a", 3990.0)
    store.point_latest(folder)
    done = fab("report")
    assert done.returncode == 0, done.stderr
    assert (folder / "report" / "index.html").is_file()


@pytest.mark.parametrize("arguments", [("report", "--campaign="), ("compare", "", "")])
def test_an_empty_name_is_neither_the_latest_campaign_nor_this_folder(fab, tmp_path, arguments):
    store.point_latest(stored(tmp_path / "a", 3990.0))
    done = fab(*arguments)
    assert (done.returncode, done.stdout) == (Exit.BAD_INPUT, "")
    assert "'': an empty name" in done.stderr


def test_the_inventory_s_option_of_ansible_is_not_taken_for_an_ssh_key(fab):
    done = fab("run-round2", "-i", "inventory/mine", "--dry-run")
    assert done.returncode == Exit.BAD_INPUT
    assert "did you mean --inventory=inventory/mine?" in done.stderr


def test_an_empty_name_of_a_lab_is_not_the_default_labs(fab):
    done = fab("lab.status", "--name=")
    assert done.returncode == 2
    assert "'' cannot be a lab's name" in done.stderr


def test_compare_of_one_campaign_is_of_two_versions(fab, tmp_path):
    done = fab("compare", str(stored(tmp_path / "a", 3990.0)), "--json")
    assert done.returncode == Exit.BAD_INPUT
    assert "not a campaign of two versions of an app" in done.stderr
    assert fab("compare").returncode == Exit.BAD_INPUT
