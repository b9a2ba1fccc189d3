"""Playbooks parse, the example inventory is read, and templates say what systemd and sudo need."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.hosts import hosts, inventory, remotes
from testbed.model import command_line

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = str(ROOT / "inventory" / "baremetal")
BIN = Path(sys.executable).parent

APP = {
    "workload": "orders",
    "name": "shop",
    "title": "Shop, 100% async",
    "unit": "testbed-orders-shop.service",
    "user": "app-orders-shop",
    "bundle": {
        "name": "orders-shop",
        "digest": "0" * 12,
        "requirements": "requirements.txt",
        "requirements_digest": "1" * 12,
        "python": "python3.13",
    },
    "services": ["postgresql"],
    "apt_packages": [],
    "exec_start": command_line.exec_start(
        "{venv}/bin/serve --app {app} --bind ${ADDRESS}:${PORT} --format %h"
    ),
    "environment": {"WORKERS": "16", "GREETING": 'say "100%" \\ $HOME 🚀'},
    "settings": {"WORKERS": {"choices": None, "integer": True, "least": 1, "most": 64}},
}
RESET = "testbed-reset-orders-012345678901.service"
FACTS = {
    "testbed_prefix": "/opt/testbed",
    "testbed_etc": "/etc/testbed",
    "testbed_run": "/run/testbed",
    "testbed_settings": "/run/testbed-settings",
    "testbed_user": "bench",
    "testbed_app_port": 8080,
    "testbed_limit_nofile": 1048576,
    "bench_address": "198.18.0.1",
    "bench_interface": "enp3s0",
}


def ansible(*arguments):
    done = subprocess.run(
        [str(BIN / arguments[0]), *arguments[1:]],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_playbooks_parse():
    """All of them are given to one Ansible, which takes a second of CPU time to start."""
    names = ["site.yml", *(f"playbooks/{name}.yml" for name in ("app", "restore", "teardown"))]
    said = ansible("ansible-playbook", "--syntax-check", "-i", EXAMPLE, *names)
    assert [line.split()[1] for line in said.splitlines() if "playbook: " in line] == names


def test_the_example_inventory_is_one_that_fab_reads():
    hosts = inventory.load(EXAMPLE)
    assert hosts.facts.testbed_place == "metal"
    assert hosts.hosts["server"].bench_address != hosts.hosts["client"].bench_address
    assert hosts.hosts["server"].ansible_host != hosts.hosts["server"].bench_address


def test_the_tree_of_site_yml_covers_both_hosts():
    listing = ansible("ansible-playbook", "--list-hosts", "-i", EXAMPLE, "site.yml")
    assert "bench-server" in listing
    assert "bench-client" in listing


def rendering(templates, to):
    """Return a task that renders the templates of these names into one JSON file, by name.

    One task, because each takes Ansible half a second of CPU time.
    """
    looked_up = "lookup('ansible.builtin.template', '%s')"
    pairs = ", ".join(f"'{name}': {looked_up % path}" for name, path in templates.items())
    content = f"{{{{ {{{pairs}}} | to_json }}}}"
    return {"ansible.builtin.copy": {"content": content, "dest": str(to), "mode": "0600"}}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Templates of roles, as Ansible renders them for one made-up app."""
    out = tmp_path_factory.mktemp("rendered")

    templates = {
        target: ROOT / "roles" / role / "templates" / name
        for role, name, target in (
            ("app_deploy", "units.json.j2", "units.json"),
            ("app_deploy", "environments.json.j2", "environments.json"),
            ("app_deploy", "sysusers.conf.j2", "sysusers"),
            ("app_deploy", "settings.json.j2", "settings.json"),
            ("bench_user", "sudoers.j2", "sudoers"),
            ("bench_user", "testbed-lease.service.j2", "lease.service"),
            ("link_delay", "sudoers.j2", "sudoers-delay"),
            ("link_delay", "testbed-delay@.service.j2", "delay.service"),
        )
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [
            str(ROOT / "roles" / role / folder / "main.yml")
            for role, folder in (
                ("app_deploy", "defaults"),
                ("app_deploy", "vars"),
                ("bench_user", "defaults"),
                ("link_delay", "defaults"),
            )
        ],
        "tasks": [rendering(templates, out / "all.json")],
    }
    variables = FACTS | {
        "app_deploy_apps": [APP],
        "bench_user_apps": [APP["unit"]],
        "bench_user_units": [RESET],
    }
    (out / "play.yml").write_text(json.dumps([play]))
    (out / "vars.json").write_text(json.dumps(variables))
    ansible(
        "ansible-playbook", "-i", "localhost,", "-c", "local",
        "-e", f"@{out / 'vars.json'}", str(out / "play.yml"),
    )  # fmt: skip
    for target, text in json.loads((out / "all.json").read_text()).items():
        (out / target).write_text(text)
        (out / target).chmod(0o600)
    return out


@pytest.fixture
def unit(rendered):
    (file,) = json.loads((rendered / "units.json").read_text())
    assert file["path"] == "/etc/systemd/system/testbed-orders-shop.service"
    return file["content"]


def test_a_unit_starts_what_serve_says(unit):
    assert (
        "ExecStart=/opt/testbed/venvs/orders-shop-111111111111/bin/serve"
        " --app /opt/testbed/apps/orders-shop-000000000000"
        " --bind ${ADDRESS}:${PORT} --format %%h\n"
    ) in unit
    assert "WorkingDirectory=/opt/testbed/apps/orders-shop-000000000000\n" in unit
    assert "Description=Testbed app orders/shop: Shop, 100%% async\n" in unit
    assert "User=app-orders-shop\n" in unit
    assert "After=testbed-lease.service network-online.target postgresql.service\n" in unit


def test_environment_is_quoted_for_systemd(unit):
    assert 'Environment="GREETING=say \\"100%%\\" \\\\ $HOME 🚀"\n' in unit
    assert 'Environment="ADDRESS=198.18.0.1"\n' in unit


def test_what_a_run_varies_comes_last(unit):
    lines = [line for line in unit.splitlines() if line.startswith("Environment")]
    assert lines[-2:] == [
        "EnvironmentFile=/etc/testbed/database-orders-scram-sha-256-tcp.env",
        "EnvironmentFile=-/run/testbed-settings/testbed-orders-shop.service.env",
    ]


def test_a_unit_is_neither_enabled_nor_restarted(unit):
    assert "[Install]" not in unit
    assert "Restart=no\n" in unit
    assert "LimitNOFILE=1048576\n" in unit


def test_hardening_takes_no_seccomp(unit):
    settings = {line.split("=")[0] for line in unit.splitlines()}
    assert (
        not {
            "LockPersonality",
            "MemoryDenyWriteExecute",
            "PrivateDevices",
            "ProtectClock",
            "ProtectHostname",
            "ProtectKernelLogs",
            "ProtectKernelModules",
            "ProtectKernelTunables",
            "RestrictAddressFamilies",
            "RestrictNamespaces",
            "RestrictRealtime",
            "RestrictSUIDSGID",
            "SystemCallArchitectures",
            "SystemCallFilter",
        }
        & settings
    )
    assert "ProtectSystem=strict\n" in unit


def test_environments_follow_from_the_apps(rendered):
    assert json.loads((rendered / "environments.json").read_text()) == [
        {
            "name": "orders-shop",
            "digest": "1" * 12,
            "requirements": "/opt/testbed/apps/orders-shop-000000000000/requirements.txt",
            "python": "python3.13",
        }
    ]


def test_users_are_declared(rendered):
    assert (
        'u app-orders-shop - "Testbed app orders/shop" - -' in (rendered / "sysusers").read_text()
    )


def test_sudoers_enumerates_units_and_is_valid(rendered):
    text = (rendered / "sudoers").read_text()
    rules = [line for line in text.splitlines() if not line.startswith("#")]
    assert rules[:2] == [
        "Defaults:bench env_reset, !env_keep, !setenv",
        'Defaults:bench secure_path="/usr/sbin:/usr/bin:/sbin:/bin"',
    ]
    app, who = APP["unit"], "bench ALL=(root) NOPASSWD: "
    assert rules[2:] == [
        f"{who}/opt/testbed/sbin/start-app /etc/testbed/settings.json {app}",
        f"{who}/opt/testbed/sbin/app-memory {app}",
        f"{who}/usr/bin/systemctl start {RESET}",
        *(
            f"{who}/usr/bin/{command}"
            for unit in (app, RESET)
            for command in (
                f"systemctl stop {unit}",
                f"systemctl reset-failed {unit}",
                f"journalctl -u {unit} {' '.join(hosts.JOURNAL_OPTIONS)}",
            )
        ),
    ]
    assert "*" not in text


def test_an_app_runs_while_the_lease_does(unit, rendered):
    assert f"BindsTo={remotes.LEASE}\n" in unit
    assert f"BindsTo={remotes.LEASE}\n" in (rendered / "delay.service").read_text()
    lease = (rendered / "lease.service").read_text()
    assert "User=bench\nExecStart=/usr/bin/flock /run/testbed/in-use /usr/bin/true\n" in lease
    assert "[Install]" not in lease


def test_what_an_app_may_be_given_is_what_it_declares(rendered):
    declared = json.loads((rendered / "settings.json").read_text())
    assert declared["folder"] == "/run/testbed-settings"
    assert declared["units"] == {
        APP["unit"]: {
            "WORKERS": {"choices": None, "integer": True, "least": 1, "most": 64},
            "ADDRESS": {"choices": ["198.18.0.1", "127.0.0.1"], "integer": False},
            "DATABASE_URL": {
                "file": "/etc/testbed/database-orders-{DATABASE_AUTH}-{DATABASE_SOCKET}.env",
                "named_by": ["DATABASE_AUTH", "DATABASE_SOCKET"],
            },
        }
    }


def test_a_delay_is_netem_on_the_data_link_alone_and_not_enabled(rendered):
    unit = (rendered / "delay.service").read_text()
    starts = [line for line in unit.splitlines() if line.startswith("Exec")]
    assert starts == [
        "ExecStart=/usr/sbin/tc qdisc add dev enp3s0 root netem delay %ius limit 100000",
        "ExecStop=/usr/sbin/tc qdisc del dev enp3s0 root",
    ]
    assert "[Install]" not in unit


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ("systemctl start testbed-delay@22500.service", True),
        ("systemctl stop testbed-delay@1.service", True),
        ("systemctl enable testbed-delay@22500.service", False),
        ("systemctl start testbed-delay@22500.service ssh.service", False),
        ("systemctl start testbed-delay@1x.service", False),
        ("systemctl start testbed-delay@.service", False),
        ("systemctl stop testbed-delay@*.service", False),
        ("systemctl stop testbed-delay@1-service", False),
        ("systemctl start ssh.service testbed-delay@1.service", False),
        ("systemctl stop testbed-delay@0.service", False),
        ("systemctl stop testbed-delay@123456789.service", False),
        ("journalctl -u testbed-delay@1.service -n 12 -o json --all --no-pager", True),
        ("journalctl -u testbed-delay@1.service -n 12 -o json --all", False),
        ("journalctl -u ssh.service -n 12 -o json --all --no-pager", False),
        ("journalctl -u testbed-delay@1.service -n 12 -o json --all --no-pager -f", False),
    ],
)
def test_a_delays_microseconds_are_all_that_can_be_chosen(rendered, words, allowed):
    rules = {
        line.removeprefix("bench ALL=(root) NOPASSWD: /usr/bin/").partition(" ")[::2]
        for line in (rendered / "sudoers-delay").read_text().splitlines()
        if not line.startswith("#")
    }
    assert {program for program, _ in rules} == {"systemctl", "journalctl"}
    for program, pattern in rules:
        assert pattern.startswith("^")  # a regular expression for sudo, not a shell's pattern
        found = re.search(pattern.replace("\\,", ","), words.removeprefix(f"{program} "))
        assert bool(found) == (allowed and words.startswith(program))
