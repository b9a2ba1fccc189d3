"""Folders that a user may name for apps by mistake are refused in a sentence, and none hangs."""

import os
import socket
from pathlib import Path

import pytest
from refusals import message_of

from testbed.asked import apps_folder
from testbed.errors import TestbedError


@pytest.fixture
def refusal(fab_run):
    """What is said of an apps folder, in one sentence and with exit code 2."""
    return lambda folder: message_of(fab_run(apps_path=str(folder)))


@pytest.mark.parametrize("folder", ["/proc", "/proc/self/task", "/dev", "/dev/null", "/sys"])
def test_what_the_kernel_shows_as_folders_is_refused(refusal, folder):
    message = refusal(folder)
    assert "apps/ is" in message or "<workload>/<app>" in message


def test_more_entries_than_apps_have_are_not_gone_through(refusal, tmp_path, monkeypatch):
    monkeypatch.setattr(apps_folder, "MOST_ENTRIES", 20)
    for name in range(5):
        for inner in range(5):
            (tmp_path / f"many/{name}/{inner}").mkdir(parents=True)
    assert "more than 20 entries" in refusal(tmp_path / "many")
    for name in range(21):
        (tmp_path / f"many/0/{name}.json").touch()
    assert f"{tmp_path}/many/0: has more than" in refusal(tmp_path / "many")


def test_links_in_a_circle_pipes_and_sockets_are_no_apps(refusal, tmp_path):
    folder = tmp_path / "odd" / "shop"
    folder.mkdir(parents=True)
    (folder / "itself").symlink_to("itself")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "s"))
    assert "no workload.yml below this folder, and no app.yml" in refusal(tmp_path / "odd")
    os.mkfifo(folder / "workload.yml")
    assert "is a pipe (FIFO), not a file" in refusal(tmp_path / "odd")


@pytest.mark.parametrize("denied", ["scandir", "lstat"])
def test_a_folder_that_may_not_be_read_is_named_and_not_passed_over(
    refusal, tmp_path, monkeypatch, denied
):
    """The tests run as root, who may read all: so the system is made to refuse."""
    locked = tmp_path / "mine" / "shop" / "locked"
    locked.mkdir(parents=True)
    scandir, lstat = os.scandir, Path.lstat

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    def scan(path="."):
        return refuse(path) if str(path).endswith("mine/shop") else scandir(path)

    def stat(path):
        return refuse(path) if path.parent == locked else lstat(path)

    monkeypatch.setattr(*((os, "scandir", scan) if denied == "scandir" else (Path, "lstat", stat)))
    message = refusal(tmp_path / "mine")
    assert f"{locked.parent}" in message
    assert "cannot be read: Permission denied" in message
    assert "apps/ is, all of which can be read" in message


APP = "schema_version: 1\ntitle: t\n"


@pytest.mark.parametrize("place", [".", "shop", "shop/group/app", "own/shop/app"])
def test_an_app_that_lies_elsewhere_is_not_passed_over(tmp_path, place):
    """Whether or not there are others that lie where they should."""
    _with(tmp_path, "shop/there/app.yml", APP)
    _with(tmp_path, f"{place}/app.yml", APP)
    with pytest.raises(TestbedError, match=r"an app is a folder of its own.*") as error:
        apps_folder.look(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / place / 'app.yml'}: ")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("shop/code/config/app.yml", "debug: true\n"),  # of another program
        ("shop/there/example/app.yml", APP),  # in the code of an app
        ("old/.git/x/app.yml", APP),
        (".old/shop/app/app.yml", APP),
        ("app.yml", "debug: true\n"),
    ],
)
def test_what_is_no_app_of_the_testbed_is_left_alone(tmp_path, place, text):
    there = _with(tmp_path, "shop/there/app.yml", APP)
    _with(tmp_path, place, text)
    assert apps_folder.look(tmp_path).apps == [there]


def _with(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name
