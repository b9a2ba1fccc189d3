"""Two versions of an app: found as folders or revisions, laid out side by side, and refused."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from testbed.asked import experiments
from testbed.asked import versions as versions_asked
from testbed.asked.versions import Source
from testbed.campaign import versions
from testbed.cli import comparing
from testbed.errors import Exit, TestbedError
from testbed.model.campaign import Versions
from testbed.texts import masked
from tests.unit.testbed.called import exit_code
from tests.unit.testbed.own_versions import SOUND, git

MASKED = f"https://****@host/lib-1.whl#sha256={'0' * 64}"


@pytest.fixture
def run_ab(own, capsys):
    """`fab run-ab EXPERIMENT --apps-path=own --app=catalogue --dry-run`, in this process."""
    judged = []
    task = comparing.measuring_versions("any", lambda folder, given: judged.append(folder) or 0)

    def call(**given):
        options = {
            "apps_path": str(own), "app": "catalogue", "old": "v1", "new": "HEAD", "dry_run": True
        } | given  # fmt: skip
        options = {name: value for name, value in options.items() if value is not None}
        code = exit_code(task, str(own.parent / "experiment.yml"), **options)
        return code, *capsys.readouterr()

    return call


def test_the_plan_names_what_differs_first(run_ab):
    code, out, err = run_ab()
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].startswith("old: catalogue_old, from v1 (commit ")
    assert lines[1].startswith("new: catalogue_new, from HEAD (commit ")
    assert lines[3:6] == [
        "new file: more.py", "changed file: service.py", "app.yml: settings.workers.default: 4 → 8"
    ]  # fmt: skip
    assert any("catalogue_old-product-few-t1" in line for line in lines)
    assert any("catalogue_new-page-many-t4" in line for line in lines)  # 3 trials: one more
    assert not any("t5" in line for line in lines)


def test_each_block_has_its_mirror_image(run_ab, own):
    path = own.parent / "experiment.yml"
    text = path.read_text().replace("[product, page]", "[product]")
    path.write_text(text.replace("  many: {apps: [catalogue], app_settings: {catalogue: {workers: "
                                 "2 per cpu}}}\n", ""))  # fmt: skip
    _, out, _ = run_ab(trials="6")
    runs = [line for line in out.splitlines() if "-few-t" in line]
    order = "".join("A" if "_old-" in line else "B" for line in runs)
    assert len(order) == 12
    assert all(order[n : n + 4] in ("ABBA", "BAAB") for n in (0, 4, 8))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"app": "katalog"}, "unknown app of workload shop: 'katalog'"),
        ({"app": None}, "--app: missing"),
        ({"old": None, "new": None}, "--old and --new: missing"),
        ({"old": "", "new": "HEAD"}, "an empty name"),
        ({"old": "v7"}, "v7: neither a folder nor a revision"),
        ({"old": "--help"}, "--help: neither a folder nor a revision"),
        ({"old": "a\0b"}, "neither a folder nor a revision"),
        ({"old": "x" * 5000}, "neither a folder nor a revision"),
        ({"old": "x" * 1_000_000}, "neither a folder nor a revision"),
        ({"old": "\x1b[2J"}, r"\x1b[2J: neither a folder nor a revision"),
        ({"wanted": "true"}, "--wanted: "),
        ({"old": "HEAD"}, "--old HEAD and --new HEAD are equal"),
        ({"old": "EXPERIMENTS"}, "no app.yml in this folder"),
        ({"apps": "catalogue"}, "--apps does not go with two versions"),
        ({"resume": "results/x"}, "does not go with"),
        ({"tolerance": "wide"}, "--tolerance: "),
        ({"seed": "-1"}, "--seed: "),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(run_ab, own, given, says):
    given = {n: str(own.parent) if v == "EXPERIMENTS" else v for n, v in given.items()}
    code, out, err = run_ab(**given)
    assert (code, out) == (Exit.BAD_INPUT, "")
    assert says in err
    assert "fault in the testbed" not in err
    assert len(err.splitlines()) <= 3


def test_a_revision_without_the_app_is_named(run_ab, own):
    git(own, "checkout", "-q", "--orphan", "empty")
    git(own, "rm", "-rqf", "--cached", ".")
    git(own, "commit", "-q", "--allow-empty", "-m", "nothing")
    git(own, "checkout", "-qf", "master" if _has(own, "master") else "main")
    code, _, err = run_ab(old="empty")
    assert code == Exit.BAD_INPUT
    assert "catalogue: no app.yml in this folder at revision empty" in err


def _has(own, branch):
    done = subprocess.run(["git", "-C", str(own), "rev-parse", "-q", "--verify", branch],
                          capture_output=True, check=False)  # fmt: skip
    return done.returncode == 0


def test_changes_that_are_not_committed_are_not_forgotten(run_ab, own):
    (own / "shop" / "catalogue" / "service.py").write_text("print('three')\n")
    code, _, err = run_ab()
    assert code == Exit.BAD_INPUT
    assert "has changes that are not committed, which revision HEAD does not have" in err
    code, out, _ = run_ab(new=str(own / "shop" / "catalogue"))
    assert code == 0
    assert "changed file: service.py" in out


def test_outside_of_git_only_folders_are_versions(run_ab, own):
    shutil.rmtree(own.parent / ".git")
    code, _, err = run_ab()
    assert code == Exit.BAD_INPUT
    assert "lies in no git repository" in err


def test_requirements_are_told_by_package(run_ab, own):
    path = own / "shop" / "catalogue" / "requirements.txt"
    path.write_text(
        f"flask==3.0 \\\n    --hash=sha256:{'0' * 64}\nnew==1 --hash=sha256:{'2' * 64}\n"
    )
    git(own, "commit", "-qam", "three")
    path.write_text(f"flask==3.1 \\\n    --hash=sha256:{'1' * 64}\n")
    _, out, _ = run_ab(old="HEAD~1", new=str(path.parent))
    assert "requirements: flask: none → 3.1" in out
    git(own, "commit", "-qam", "four")
    _, out, _ = run_ab(old="HEAD~1")
    assert "requirements: flask: 3.0 → 3.1" in out
    assert "requirements: new: 1 → none" in out
    assert "hash" not in out


def test_passwords_in_urls_are_never_shown(own):
    folders = own / "shop" / "catalogue", own / "shop" / "other"
    shutil.copytree(*folders)
    url = "lib @ https://{}@host/lib-1.whl#sha256=" + "0" * 64
    told = []
    for secrets in (("me:hush1", "me:hush2"), ("TOKEN1", "me:p@TOKEN2"), ("a:hush", "a:hush")):
        for folder, secret in zip(folders, secrets, strict=True):
            (folder / "requirements.txt").write_text(url.format(secret))
        told += versions_asked.differences(*(Source.read(one, "said") for one in folders))
    named = told[1].partition("requirements: lib: ")[2]
    assert named == f"{MASKED} → {MASKED}, with another user or password"
    assert not any(secret in line for line in told for secret in ("hush", "TOKEN"))
    bad = "lib @ https://me:{}@host/lib-1.whl\n-i ftp://me:{}@host/simple\n"
    for length in (4, 300):
        (folders[0] / "requirements.txt").write_text(bad.format("s" * length, "s" * length))
        with pytest.raises(TestbedError) as error:
            Source.read(folders[0], "said")
        assert "sss" not in f"{error.value} {error.value.args}"


def test_what_is_no_url_with_a_user_is_shown_as_it_is():
    for text in (
        '{"@context":"https://schema.org","@type":"Product"}',
        "<li>https://host<li>me@host",
        "http[s]://HOST…, me@host",
        "git+https://host/a.git@0123, me@host",
    ):
        assert masked(text) == text


def test_a_long_name_still_names_two_apps(run_ab, own):
    long = "a" + "b" * 30
    (own / "shop" / "catalogue").rename(own / "shop" / long)
    git(own, "add", "-A")
    git(own, "commit", "-qm", "renamed")
    path = own.parent / "experiment.yml"
    text = path.read_text().replace("[catalogue]", f"[{long}]")
    path.write_text(text.replace("{catalogue:", f"{{{long}:"))
    (own / "shop" / long / "service.py").write_text("print('three')\n")
    old, new = SOUND / "own" / "shop" / "catalogue", own / "shop" / long
    code, out, err = run_ab(app=long, old=str(old), new=str(new))
    assert (code, err) == (0, "")
    assert f"new: {long[:27]}_new, from" in out


def test_both_are_deployed_beside_the_other_apps_and_kept_with_the_results(run_ab, own, deployed):
    code, _, err = run_ab(dry_run=False, ask_become_pass=True, quiet=True)
    assert (code, err) == (0, "")
    assert deployed["playbook"] == ("site.yml", True, versions.ROLES)
    apps, request = deployed["apps"], deployed["request"]
    assert list(apps) == ["catalogue", "catalogue_new", "catalogue_old"]
    assert apps["catalogue_old"].spec.title == "The catalogue service (old)"
    assert apps["catalogue_old"].defaults()["workers"] == 4
    assert apps["catalogue_new"].defaults()["workers"] == 8
    assert Path(apps["catalogue_new"].folder, "more.py").is_file()
    assert request.experiment.apps == ["catalogue_old", "catalogue_new"]
    assert request.experiment.trials == 4
    assert request.versions.old.source == "v1"
    assert Path(request.apps_path).parent == request.parent / request.folder_name
    assert Versions.model_validate(request.versions.model_dump()) == request.versions


def test_nothing_is_left_if_they_cannot_be_deployed(run_ab, own, deployed):
    deployed["fails"] = True
    code, _, err = run_ab(dry_run=False)
    assert code == Exit.NOT_READY
    assert "ended with an error" in err
    assert list((own.parent / "results").iterdir()) == []


def test_variants_for_other_apps_are_left_out(own):
    asked = experiments.load(own.parent / "experiment.yml")
    other = asked.variants["many"].model_copy(update={"apps": ["other"], "app_settings": {}})
    asked = asked.model_copy(update={"variants": asked.variants | {"other": other}})
    with versions.pair(asked, "catalogue", str(own), "v1", "HEAD") as pair:
        found = pair.experiment.variants
        temporary = pair.old.file
    assert set(found) == {"few", "many"}
    assert set(found["many"].app_settings) == {"catalogue_old", "catalogue_new"}
    assert not temporary.exists()


def test_an_app_s_folder_may_be_a_link(run_ab, own, deployed):
    (own / "shop" / "catalogue").rename(own.parent / "elsewhere")
    (own / "shop" / "catalogue").symlink_to("../../elsewhere")
    old = SOUND / "own" / "shop" / "catalogue"
    code, _, err = run_ab(dry_run=False, old=str(old), new=str(own.parent / "elsewhere"))
    assert (code, err) == (0, "")
    assert list(deployed["apps"]) == ["catalogue", "catalogue_new", "catalogue_old"]


def test_what_is_no_file_of_an_app_is_not_copied(run_ab, own):
    os.mkfifo(own / "pipe")
    (own / "shop" / "endless").symlink_to("/dev/zero")
    (own / "shop" / "circle").symlink_to("..")
    (own / "gone").symlink_to("nowhere")
    app = own / "shop" / "catalogue"
    (own.parent / "elsewhere").mkdir()
    shutil.move(app, own.parent / "elsewhere" / "catalogue")
    app.symlink_to(own.parent / "elsewhere" / "catalogue")  # followed, as everywhere
    old = SOUND / "own" / "shop" / "catalogue"
    code, out, err = run_ab(old=str(old), new=str(app))
    assert (code, err) == (0, "")
    assert "catalogue_new" in out


def test_what_cannot_be_copied_or_unpacked_is_one_sentence(run_ab, own, monkeypatch):
    def refuse(tar, place):
        raise tarfile.ReadError("a link leads outside")

    def fail(source, place, **options):
        raise shutil.Error([(str(own / "key"), str(place), "Permission denied")])

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extractall", refuse)
        code, _, said = run_ab()
        assert code == Exit.BAD_INPUT
        assert "revision v1 of catalogue cannot be unpacked" in said
    monkeypatch.setattr(shutil, "copytree", fail)
    code, _, said = run_ab()
    assert code == Exit.BAD_INPUT
    assert "key cannot be copied: Permission denied" in said
