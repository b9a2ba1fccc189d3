"""What is packed, and the document that the roles read."""

import io
import json
import os
import tarfile

import pytest

from testbed import bundle
from testbed.asked import app_code, requirements
from testbed.errors import TestbedError
from testbed.model.setting import Setting


@pytest.fixture
def folder(tmp_path):
    """An app's folder, with what must not be deployed beside what must."""
    app = tmp_path / "app"
    for name in ("pkg/__init__.py", "pkg/__pycache__/x.pyc", ".hidden", "run.sh"):
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(name)
    (app / "requirements.txt").write_text("wheel==1.0\n")
    (app / "run.sh").chmod(0o755)
    return app


def contents(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: (member.mode, tar.extractfile(member).read()) for member in tar}


def test_an_archive_holds_what_is_deployed(folder):
    assert contents(bundle.pack(folder)) == {
        "pkg/__init__.py": (0o644, b"pkg/__init__.py"),
        "requirements.txt": (0o644, b"wheel==1.0\n"),
        "run.sh": (0o755, b"run.sh"),
    }


def test_a_program_keeps_its_folder(folder):
    assert "pacer/run.sh" in contents(bundle.pack(folder, "pacer/"))


def test_the_same_files_give_the_same_bytes(folder):
    first = bundle.pack(folder)
    os.utime(folder / "run.sh", (1, 1))
    (folder / "pkg/__init__.py").chmod(0o600)
    assert bundle.pack(folder) == first


def packed(folder, tmp_path, name):
    digest = app_code.digest(folder)
    asked = requirements.read(folder, name) if name else None
    return bundle.bundle("a-b", folder, tmp_path / "out", asked, digest=digest)


def test_the_digests_follow_the_content(folder, tmp_path):
    first = packed(folder, tmp_path, "requirements.txt")
    again = packed(folder, tmp_path, "requirements.txt")
    assert again == first
    assert first.archive.endswith(f"/out/a-b-{first.digest}.tar.gz")
    (folder / "run.sh").write_text("other")
    edited = packed(folder, tmp_path, "requirements.txt")
    assert edited.digest != first.digest
    assert edited.requirements_digest == first.requirements_digest
    old = (folder / "requirements.txt").read_text()
    (folder / "requirements.txt").write_text(f"{old}    # via something\n")
    commented = packed(folder, tmp_path, "requirements.txt")
    assert commented.requirements_digest == first.requirements_digest
    (folder / "requirements.txt").write_text("wheel==2.0\n")
    pinned = packed(folder, tmp_path, "requirements.txt")
    assert pinned.requirements_digest != first.requirements_digest


def test_without_requirements_there_is_no_environment(folder, tmp_path):
    result = packed(folder, tmp_path, None)
    assert (result.requirements, result.requirements_digest) == (None, None)


def test_another_python_makes_another_environment(folder, tmp_path):
    asked = requirements.read(folder, "requirements.txt")
    made = [
        bundle.bundle("a-b", folder, tmp_path / "out", asked, digest="0" * 12, python=python)
        for python in ("python3", "python3.12", "python3.13", "/opt/python/bin/python3.13")
    ]
    assert made[0].requirements_digest == asked.digest
    assert len({one.requirements_digest for one in made}) == len(made)


def test_user_names_fit_and_stay_apart():
    assert bundle.user_name("agents", "django") == "app-agents-django"
    long, other = (bundle.user_name("w" * 31, f"{'a' * 30}{end}") for end in "xy")
    assert len(long) == len(other) == 32
    assert long != other


@pytest.fixture
def catalogued(folder, tmp_path, monkeypatch):
    """A catalogue of one workload with one app, and one program."""
    workload = tmp_path / "apps" / "orders"
    folder.rename(tmp_path / "shop")
    workload.mkdir(parents=True)
    (tmp_path / "shop").rename(workload / "shop")
    (workload / "orders.json").write_text("{}")
    (workload / "o.sql").write_text("")
    (workload / "workload.yml").write_text(
        "{schema_version: 1, title: t, description: d, services: [postgresql], dataset: o.sql,"
        " endpoints: {one: {description: d, expect: {json_file: orders.json}}}}"
    )
    (workload / "shop" / "app.yml").write_text(
        "{schema_version: 1, title: Shop, description: d, requirements: requirements.txt,"
        " serve: '{venv}/bin/x', environment: {MODE: fast}, endpoints: {one: /one},"
        " settings: {workers: {env: WORKERS, default: 16, description: d}},"
        " database_connections_per_worker: 30}"
    )
    loaded = bundle.catalogue.load(project=tmp_path / "apps")
    monkeypatch.setattr(bundle.catalogue, "load", lambda own: loaded)
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__main__.py").write_text("")
    monkeypatch.setattr(bundle, "ROOT", tmp_path)
    monkeypatch.setattr(bundle, "PROGRAMS", ("tool",))
    return tmp_path


@pytest.mark.parametrize(
    ("declared", "workers", "allowed"),
    [
        ({"default": 16}, True, {"choices": None, "integer": True, "least": 1, "most": 1024}),
        (
            {"default": 16, "least": 2, "most": 32},
            True,
            {"choices": None, "integer": True, "least": 2, "most": 32},
        ),
        ({"default": 0}, False, {"choices": None, "integer": True, "least": 0, "most": 1_000_000}),
        ({"default": "a"}, False, {"choices": None, "integer": False}),
        ({"default": 1, "choices": [1, 2]}, False, {"choices": ["1", "2"], "integer": True}),
    ],
)
def test_what_root_allows_is_what_a_plan_does(declared, workers, allowed):
    setting = Setting(env="X", description="d", **declared)
    assert bundle.held(setting, workers=workers) == allowed


def test_the_document_tells_roles_all_they_need(catalogued):
    result = bundle.deployment(["orders"], archives=catalogued / "out")
    (app,) = result.apps
    assert (app.unit, app.user) == ("testbed-orders-shop.service", "app-orders-shop")
    login = {"DATABASE_AUTH": "scram-sha-256", "DATABASE_SOCKET": "tcp"}
    assert app.environment == {"MODE": "fast", "WORKERS": "16", **login}
    assert result.logins[0] == {"auth": "scram-sha-256", "socket": "tcp", "suffix": ""}
    assert len({login["suffix"] for login in result.logins}) == len(result.logins) == 4
    assert app.database_connections == 480
    assert app.services == ["postgresql"]
    assert app.bundle.name == "orders-shop"
    assert [(one.workload, one.file) for one in result.datasets] == [
        ("orders", str(catalogued / "apps/orders/o.sql"))
    ]
    assert result.programs["tool"].requirements is None


def test_the_units_that_put_data_back_are_those_of_workloads_and_of_their_services(tmp_path):
    counter = bundle.deployment(["counter"], archives=tmp_path)
    assert counter.services["redis"] == []
    assert counter.units == [one.unit for one in counter.resets]
    both = bundle.deployment(["todo", "counter"], archives=tmp_path)
    flush = both.units[-1]
    assert both.units == [*sorted(one.unit for one in both.resets), flush]
    assert f"/{flush}" in (bundle.ROOT / "roles/redis/vars/main.yml").read_text()


def test_an_unknown_workload_is_named(catalogued):
    with pytest.raises(TestbedError, match="unknown workload 'oders'") as error:
        bundle.deployment(["oders"], archives=catalogued / "out")
    assert "did you mean 'orders'?" in str(error.value)


def test_the_command_prints_json_or_one_error(catalogued, monkeypatch, capsys):
    monkeypatch.setattr(bundle, "ARCHIVES", catalogued / "out")
    monkeypatch.setattr("sys.argv", ["bundle", "orders"])
    assert bundle.main() == 0
    parts = {"apps", "datasets", "resets", "services", "units", "programs", "logins"}
    assert set(json.loads(capsys.readouterr().out)) == parts
    monkeypatch.setattr("sys.argv", ["bundle", "nothing"])
    assert bundle.main() == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()[0]) == ("", "unknown workload 'nothing'")
