"""Roles' argument_specs and defaults agree: ansible-core takes no default from a spec."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())


def load(role, file):
    path = ROOT / "roles" / role / file
    return yaml.safe_load(path.read_text()) if path.exists() else None


def words(value):
    """A default without the layout of long Jinja expressions."""
    return " ".join(value.split()) if isinstance(value, str) else value


def options(role):
    return load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]


def test_there_are_roles():
    assert {"app_deploy", "bench_user", "host_preflight", "kernel_tuning"} <= set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_specified_and_the_other_way_round(role):
    declared = {name: item for name, item in options(role).items() if not item.get("required")}
    assert set(load(role, "defaults/main.yml")) == set(declared)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_equal_where_the_spec_gives_one(role):
    defaults = load(role, "defaults/main.yml")
    for name, item in options(role).items():
        if "default" in item:
            assert words(item["default"]) == words(defaults[name]), name


@pytest.mark.parametrize("role", ROLES)
def test_only_large_tables_go_without_a_default_in_the_spec(role):
    for name, item in options(role).items():
        if not item.get("required") and "default" not in item:
            assert (role, name) in {
                ("kernel_tuning", "kernel_tuning_sysctls"),
                ("postgresql", "postgresql_settings"),
            }


@pytest.mark.parametrize("role", ROLES)
def test_inputs_are_described_and_named_after_their_role(role):
    shared = {"bench_address", "bench_interface", "testbed_place"}
    for name, item in options(role).items():
        assert item["description"], name
        assert name.startswith(f"{role}_") or name in shared


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_is_specified(role):
    files = {path.stem for path in (ROOT / "roles" / role / "tasks").glob("*.yml")}
    points = set(load(role, "meta/argument_specs.yml")["argument_specs"])
    assert {"main"} <= points <= files


def test_sysctls_have_reasons_and_names_of_their_own():
    sysctls = load("kernel_tuning", "defaults/main.yml")["kernel_tuning_sysctls"]
    names = [item["name"] for item in sysctls]
    assert len(names) == len(set(names))
    assert all(len(item["reason"].split()) > 5 for item in sysctls)


def test_harmful_tuning_of_old_stays_out():
    sysctls = load("kernel_tuning", "defaults/main.yml")["kernel_tuning_sysctls"]
    assert not {
        "net.ipv4.tcp_tw_recycle",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
        "net.core.rmem_max",
        "net.core.wmem_max",
    } & {item["name"] for item in sysctls}
    assert "bic" not in {str(item["value"]) for item in sysctls}


def test_what_tuning_leaves_out_is_explained_in_the_docs():
    text = (ROOT / "docs" / "tuning.md").read_text()
    for name in ("tcp_tw_recycle", "bic", "rmem_max"):
        assert name in text


def test_releases_known_to_preflight_are_known_to_postgresql():
    releases = load("host_preflight", "defaults/main.yml")["host_preflight_releases"]
    assert set(releases) == set(load("postgresql", "defaults/main.yml")["postgresql_version_of"])
