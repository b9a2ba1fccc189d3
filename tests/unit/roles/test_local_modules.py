"""The modules that deploy: what is missing, what goes, and that half-done work is done again."""

import hashlib
import importlib.util
import json
import os
import pwd
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from plugins.module_utils.digest_folders import stale
from plugins.modules import file_set, releases, virtualenvs

ROOT = Path(__file__).resolve().parents[3]
OLD, NEW = "0" * 12, "1" * 12


@pytest.fixture
def archive(tmp_path):
    (tmp_path / "module.py").write_text("ANSWER = 42\n")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "module.py", "pkg/module.py")
    return tmp_path / "a.tar.gz"


def release(name, digest=NEW):
    return {"name": name, "digest": digest}


def test_only_what_is_not_unpacked_is_missing(tmp_path):
    (tmp_path / f"a-{NEW}").mkdir()
    (tmp_path / f"b-{OLD}").mkdir()
    wanted = [release("a"), release("b")]
    assert releases.missing(tmp_path, wanted) == [release("b")]
    assert releases.missing(tmp_path / "nowhere", wanted) == wanted


def test_earlier_digests_of_the_same_names_are_stale(tmp_path):
    for name in (f"a-{OLD}", f"a-{NEW}", f"other-{OLD}", ".partial-x"):
        (tmp_path / name).mkdir()
    found = stale(tmp_path, [release("a")], exclusive=False)
    assert [path.name for path in found] == [f"a-{OLD}"]
    found = stale(tmp_path, [release("a")], exclusive=True)
    assert [path.name for path in found] == [".partial-x", f"a-{OLD}", f"other-{OLD}"]


def test_a_release_is_unpacked_readable_with_bytecode_that_python_takes(tmp_path, archive):
    target = tmp_path / "apps" / f"a-{NEW}"
    releases.unpack(archive, target)
    assert (target / "pkg/module.py").read_text() == "ANSWER = 42\n"
    assert (target / "pkg").stat().st_mode & 0o777 == 0o755
    cached = importlib.util.cache_from_source(str(target / "pkg/module.py"))
    verbose = subprocess.run(
        [sys.executable, "-v", "-c", "import module"],
        cwd=target / "pkg",
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert f"matches {target}/pkg/module.py" in verbose.replace(cached, "")


def test_a_broken_archive_leaves_nothing_behind(tmp_path):
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not a tar")
    with pytest.raises(tarfile.TarError):
        releases.unpack(broken, tmp_path / "apps" / f"a-{NEW}")
    assert list((tmp_path / "apps").iterdir()) == []


def test_what_was_brought_over_is_unpacked_and_its_archive_removed(tmp_path, archive):
    brought = tmp_path / "archives"
    brought.mkdir()
    archive.rename(brought / f"a-{NEW}.tar.gz")
    (tmp_path / "apps" / f"a-{OLD}").mkdir(parents=True)
    wanted = release("a") | {"archive": f"/on/the/control/machine/a-{NEW}.tar.gz"}
    arguments = {"folder": str(tmp_path / "apps"), "releases": [wanted], "archives": str(brought)}

    def run(**more):
        (tmp_path / "arguments").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments | more}))
        command = [sys.executable, "-m", releases.__name__, str(tmp_path / "arguments")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return json.loads(done.stdout)

    asked = run(_ansible_check_mode=True)
    assert (asked["missing"], asked["stale"]) == ([wanted], [f"a-{OLD}"])
    assert brought.is_dir()
    assert run()["changed"]
    assert (tmp_path / "apps" / f"a-{NEW}" / "pkg/module.py").is_file()
    assert [path.name for path in (tmp_path / "apps").iterdir()] == [f"a-{NEW}"]
    assert not brought.exists()
    assert not run()["changed"]


def test_an_environment_is_complete_only_by_its_marker(tmp_path):
    (tmp_path / "bin").mkdir()
    assert not virtualenvs.is_complete(tmp_path)
    (tmp_path / virtualenvs.MARKER).write_text("2.7.18\n")
    assert not virtualenvs.is_complete(tmp_path)  # built by another Python
    (tmp_path / virtualenvs.MARKER).write_text(virtualenvs.marker_text())
    assert virtualenvs.is_complete(tmp_path)


def test_environments_of_others_are_kept(tmp_path):
    for name in (f"app-{OLD}", f"app-{NEW}", f"pacer-{OLD}", f"gone-{OLD}"):
        (tmp_path / name).mkdir()
    wanted = [release("app")]
    names = [path.name for path in stale(tmp_path, wanted, exclusive=True, keep=["pacer"])]
    assert names == [f"app-{OLD}", f"gone-{OLD}"]
    names = [path.name for path in stale(tmp_path, wanted, exclusive=False)]
    assert names == [f"app-{OLD}"]


def test_an_environment_left_half_built_is_built_anew(tmp_path, monkeypatch):
    path = tmp_path / f"app-{NEW}"
    (path / "rest").mkdir(parents=True)
    commands = []

    def run(command, **options):
        commands.append(command)
        path.mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, stdout="")

    monkeypatch.setattr(virtualenvs.subprocess, "run", run)
    assert virtualenvs.build(path, "requirements.txt") is None
    assert not (path / "rest").exists()
    assert virtualenvs.is_complete(path)
    assert [command[1:3] for command in commands] == [["-m", "venv"], ["-m", "pip"]]


def test_a_failed_build_tells_pips_last_lines_and_stays_incomplete(tmp_path, monkeypatch):
    def run(command, **options):
        (tmp_path / f"app-{NEW}").mkdir(exist_ok=True)
        lines = "\n".join(f"line {number}" for number in range(40))
        return subprocess.CompletedProcess(command, "pip" in command, stdout=lines)

    monkeypatch.setattr(virtualenvs.subprocess, "run", run)
    problem = virtualenvs.build(tmp_path / f"app-{NEW}", "requirements.txt")
    assert problem.splitlines() == [f"line {number}" for number in range(28, 40)]
    assert not virtualenvs.is_complete(tmp_path / f"app-{NEW}")


def a_wheel(folder):
    """A package with nothing in it, as pip takes it; its hash."""
    about = "tiny-1.0.dist-info"
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{about}/WHEEL", tags)
        archive.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_an_environment_may_have_another_python_of_the_host(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    a_wheel(tmp_path)
    (tmp_path / "requirements.txt").write_text("tiny==1.0\n")
    other = tmp_path / "python3.99"
    other.symlink_to(Path(sys.executable).resolve())
    asked = {"requirements": str(tmp_path / "requirements.txt"), "python": str(other)}
    wanted = [release("app") | asked]
    assert virtualenvs.missing_of(tmp_path, wanted, ()) == wanted
    assert virtualenvs.provide(tmp_path, wanted, wanted) == []
    path = tmp_path / f"app-{NEW}"
    assert (path / "bin" / "python3.99").readlink() == other
    assert virtualenvs.missing_of(tmp_path, wanted, ()) == []
    assert virtualenvs.unlisted(path, ["tiny"]) == []
    assert virtualenvs.unlisted(path, []) == ["tiny==1.0"]


def test_a_python_that_the_host_has_not_got_is_named_with_who_wants_it(tmp_path):
    absent, broken = tmp_path / "python3.98", tmp_path / "python3.97"
    broken.symlink_to("/bin/false")
    wanted = [
        release("app"),
        release("one") | {"python": str(absent)},
        release("two") | {"python": "python3"},
        release("three") | {"python": str(absent)},
        release("four") | {"python": str(broken)},
    ]
    first, second = virtualenvs.lacking(wanted)
    assert first.startswith(f"{absent} is not on this host")
    assert "app.yml of one, three" in first
    assert second.startswith(f"{broken} is not on this host")


@pytest.mark.parametrize("where", ["/root/.pyenv/versions/3.12.1", "/home/me/py", "closed"])
def test_a_python_that_no_app_may_see_is_named_with_where_it_is(tmp_path, where):
    folder = tmp_path / where  # absolute ones stay as they are
    (tmp_path / "closed").mkdir(mode=0o700)
    python = tmp_path / "python3.97"
    python.write_text(f"#!/bin/sh\necho 3.97.0 {folder}\n")
    python.chmod(0o755)
    (told,) = virtualenvs.lacking([release("app"), release("one") | {"python": str(python)}])
    assert told.startswith(f"{python} is installed in {folder}, and `python` in app.yml of one")


@pytest.mark.parametrize("right", [True, False])
def test_pip_takes_only_files_of_the_hashes_that_are_named(tmp_path, monkeypatch, right):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    digest = a_wheel(tmp_path) if right else a_wheel(tmp_path)[::-1]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    path = tmp_path / f"app-{NEW}"
    problem = virtualenvs.build(path, str(requirements))
    assert virtualenvs.is_complete(path) == right
    assert ("DO NOT MATCH THE HASHES" in (problem or "")) == (not right)


def built(folder, wheels, pins, monkeypatch):
    """Build an environment for each of these files of pins; return what failed, and pip's calls."""
    calls = []

    def run(command):
        calls.append(command)
        return original(command)

    original = virtualenvs.run
    monkeypatch.setattr(virtualenvs, "run", run)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    environments = []
    for name, text in pins.items():
        (folder / name).write_text(text)
        environments.append(release(name) | {"requirements": str(folder / name)})
    failed = virtualenvs.build_all(folder / "venvs", environments)
    complete = [virtualenvs.is_complete(folder / "venvs" / f"{name}-{NEW}") for name in pins]
    installs = [command for command in calls if "install" in command]
    shared = ["--no-index" in command for command in installs]
    return failed, complete, shared


def test_what_several_pin_is_downloaded_once(tmp_path, monkeypatch):
    pin = f"tiny==1.0 --hash=sha256:{a_wheel(tmp_path)}\n"
    pins = {"one": pin, "two": pin, "unpinned": "tiny\n"}
    failed, complete, shared = built(tmp_path, tmp_path, pins, monkeypatch)
    assert (failed, complete) == ([], [True] * 3)
    assert sorted(shared) == [False, True, True]


def test_what_cannot_be_downloaded_together_is_installed_apart(tmp_path, monkeypatch):
    hashed = f"--hash=sha256:{a_wheel(tmp_path)}\n"
    pins = {"one": f"tiny==1.0 {hashed}", "two": f"tiny==2.0 {hashed}"}
    (failed,), complete, shared = built(tmp_path, tmp_path, pins, monkeypatch)
    assert failed.startswith("two: ")
    assert complete == [True, False]
    assert shared == [False, False]


@pytest.fixture
def provided(tmp_path, monkeypatch):
    """Provide environments of these names and digests; return which of them were built.

    Instead of pip, an empty environment is made.
    """
    folder = tmp_path / "venvs"
    folder.mkdir()

    def build_all(folder, missing):
        for one in missing:
            path = folder / virtualenvs.folder_of(one)
            virtualenvs.remove(path)
            path.mkdir(parents=True)
            (path / virtualenvs.MARKER).write_text(virtualenvs.marker_text())
            built.append(one["name"])
        return []

    def provide(pins="tiny==1.0\n", **digests):
        built.clear()
        (tmp_path / "requirements.txt").write_text(pins)
        wanted = [
            release(name, digest * 12) | {"requirements": str(tmp_path / "requirements.txt")}
            for name, digest in digests.items()
        ]
        leftover = stale(folder, wanted, exclusive=True)
        missing = virtualenvs.missing_of(folder, wanted, leftover)
        assert virtualenvs.provide(folder, wanted, missing) == []
        for path in leftover:
            virtualenvs.remove(path)
        assert virtualenvs.missing_of(folder, wanted, []) == []
        assert len(list(folder.iterdir())) == len(wanted)
        return list(built)

    built = []
    monkeypatch.setattr(virtualenvs, "build_all", build_all)
    return provide


def test_of_environments_with_one_digest_one_is_built(provided, tmp_path):
    assert provided(a="1", b="1", c="2") == ["a", "c"]
    assert (tmp_path / "venvs" / f"b-{'1' * 12}").readlink() == Path(f"a-{'1' * 12}")
    assert provided(a="1", b="1", c="2") == []
    assert provided(a="1", b="1", c="1") == []
    assert provided(b="1", a="1", d="1") == []
    assert (tmp_path / "venvs" / f"d-{'1' * 12}").readlink() == Path(f"a-{'1' * 12}")


def test_requirements_that_name_other_files_are_shared_as_the_digest_covers_these(provided):
    assert provided(pins="-r base.txt\n", a="1", b="1", c="2") == ["a", "c"]


def test_a_link_to_an_environment_that_goes_is_built_anew(provided, tmp_path):
    provided(a="1", b="1", c="1")
    assert provided(b="1", c="1") == ["b"]
    assert provided(a="2", b="1", c="2") == ["a"]
    assert provided(a="1", b="1", c="2") == ["c"]
    assert (tmp_path / "venvs" / f"a-{'1' * 12}").readlink() == Path(f"b-{'1' * 12}")


def a_file(path, content="text\n", **options):
    owner = pwd.getpwuid(os.getuid()).pw_name
    return file_set.wanted({"path": str(path), "content": content, "owner": owner} | options)


def test_files_are_right_by_content_mode_and_owner(tmp_path):
    path = tmp_path / "new" / "a.service"
    file_set.write(a_file(path, mode="0600"))
    assert file_set.is_right(a_file(path, mode="0600"))
    assert not file_set.is_right(a_file(path, mode="0644"))
    assert not file_set.is_right(a_file(path, "other\n", mode="0600"))
    assert not file_set.is_right(a_file(path, mode="0600", owner="nobody"))
    assert not file_set.is_right(a_file(path, mode="0600", owner="not-a-user"))
    assert not file_set.is_right(a_file(tmp_path / "none"))
    assert [one.name for one in path.parent.iterdir()] == ["a.service"]


@pytest.mark.parametrize(("mode", "folder_mode"), [("0600", 0o700), ("0644", 0o755)])
def test_a_folder_is_made_as_closed_as_its_file(tmp_path, mode, folder_mode):
    file_set.write(a_file(tmp_path / "new" / "file", mode=mode))
    assert (tmp_path / "new").stat().st_mode & 0o777 == folder_mode


def test_a_file_that_is_not_accepted_is_not_written(tmp_path):
    path = tmp_path / "sudoers"
    path.write_text("old\n")
    with pytest.raises(file_set.Refused, match="grep -q right"):
        file_set.write(a_file(path, "wrong\n", validate="grep -q right %s"))
    assert [one.name for one in tmp_path.iterdir()] == ["sudoers"]
    assert path.read_text() == "old\n"
    file_set.write(a_file(path, "right\n", validate="grep -q right %s"))
    assert path.read_text() == "right\n"


def test_a_misspelt_key_is_refused(tmp_path):
    with pytest.raises(file_set.Refused, match="unknown keys: mod"):
        a_file(tmp_path / "x", mod="0600")


def test_files_that_match_and_are_not_wanted_go(tmp_path):
    for name in ("testbed-a.service", "testbed-b.service", "ssh.service"):
        (tmp_path / name).write_text("")
    files = [a_file(tmp_path / "testbed-a.service")]
    found = file_set.unwanted(f"{tmp_path}/testbed-*.service", files)
    assert found == [tmp_path / "testbed-b.service"]
    assert file_set.unwanted(None, files) == []
    assert file_set.difference(found[0], "")["before_header"] == str(found[0])
