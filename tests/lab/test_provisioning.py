"""Test what site.yml promises, on the shared lab.

That a second run changes nothing is seen in test_bare_metal.py.
"""

import json
import re

UNITS = [f"testbed-agents-{app}.service" for app in ("aiohttp_api_hour", "django", "flask")]


def recap(output):
    """Return the counts per host from Ansible's closing lines, with the control machine's."""
    lines = re.findall(r"^(\S+)\s+: (ok=.*)$", output, re.M)
    return {
        host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)}
        for host, counts in lines
    }


def changes(output):
    """Return what Ansible says of each change: the task, and the host with the difference."""
    tasks = re.split(r"^(?=TASK \[)", output, flags=re.M)
    return [task.strip() for task in tasks if re.search(r"^changed: ", task, re.M)]


def test_check_mode_works_on_a_provisioned_host(provisioned):
    output = provisioned.run("ansible-playbook", "--check", "--diff", "site.yml").stdout
    assert not changes(output)
    hosts = recap(output)
    assert set(hosts) == {f"{provisioned.lab}-server", f"{provisioned.lab}-client", "localhost"}
    for host, counts in hosts.items():
        assert counts["ok"] > (0 if host == "localhost" else 10)
        assert (counts["changed"], counts["failed"], counts["unreachable"]) == (0, 0, 0)


def test_the_bench_user_may_start_exactly_the_testbeds_units(provisioned, ssh):
    start = "/opt/testbed/sbin/start-app /etc/testbed/settings.json"
    for unit in UNITS:
        ssh("server", f"sudo -u bench sudo -n -l {start} {unit}")
        ssh("server", f"sudo -u bench sudo -n -l systemctl stop {unit}")
    refused = ssh(
        "server", "sudo", "-u", "bench", "sudo", "-n", "systemctl", "stop", "ssh", check=False
    )
    assert "sudo" in refused
    assert ssh("server", "systemctl", "is-active", "ssh") == "active"


def test_postgresql_listens_on_loopback_only(provisioned, ssh):
    listening = ssh("server", "ss", "-Htln", "sport = :5432").splitlines()
    addresses = {line.split()[3] for line in listening}
    assert addresses <= {"127.0.0.1:5432", "[::1]:5432"}
    assert addresses


def test_secrets_are_not_readable_by_the_bench_user(provisioned, ssh):
    command = "find /etc/testbed -type f -exec grep -l postgresql:// {} + ; true"
    holders = ssh("server", command).split()
    assert holders
    for path in holders:
        assert "Permission denied" in ssh("server", f"sudo -u bench cat {path} 2>&1; true")


def test_apps_are_not_enabled_at_boot(provisioned, ssh):
    for unit in UNITS:
        assert ssh("server", f"systemctl is-enabled {unit}; true") in ("static", "disabled")


def test_both_hosts_record_what_was_tuned(provisioned, ssh):

    for role in ("server", "client"):
        record = json.loads(ssh(role, "cat", "/etc/testbed/tuning.json"))["sysctls"]
        states = {item["state"] for item in record}
        assert "set" in states
        assert "differs" not in states
        for item in record:
            if item["state"] == "set":
                live = ssh(role, "cat", "/proc/sys/" + item["name"].replace(".", "/"))
                assert live.split() == item["actual"].split()
                least = item["requested"].removeprefix("at least ")
                if least != item["requested"]:
                    assert int(live) >= int(least)
                else:
                    assert live.split() == item["requested"].split()
