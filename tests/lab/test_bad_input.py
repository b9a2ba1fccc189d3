"""Test that bad input gives one clear message and an error code, and leaves nothing running."""

import json
import re
import subprocess

import pytest

from testbed.errors import Exit
from tests.lab.campaigns import (
    FEW_WORKERS,
    PATIENCE_S,
    ROOT,
    Testbed,
    interrupt,
    short,
    wait_until,
)
from tests.lab.faults import provoked
from tests.lab.test_campaigns import begin, nothing_runs

ONE = short(apps="flask", endpoints="index")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run-round2", "--apps=flusk"], "unknown app of workload agents: 'flusk'"),
        (["run-round2", "--endpoints=idx"], "unknown endpoint of workload agents: 'idx'"),
        (["run-round2", "--rate=fast"], "--rate: "),
        (["run-round2", "--generator=siege"], "--generator: "),
        (["run", "nothing.yml"], "nothing.yml: no such file"),
        (["run", "raund2"], "did you mean 'round2'"),
        (["link", "--inventory=nowhere"], "no inventory at nowhere"),
    ],
)
def test_wrong_words(verified, arguments, message):
    done = verified.fab(*arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_unknown_option(verified):
    done = verified.fab("run-round2", "--rtae=5", check=False)
    assert done.returncode != 0
    assert "--rtae" in done.stderr


def test_malformed_yaml_names_file_and_line(verified, tmp_path):
    file = tmp_path / "own.yml"
    file.write_text("title: x\nload: {mode: [\n")
    done = verified.fab("run", str(file), check=False)
    assert done.returncode == 2
    assert f"{file}: not valid YAML: line 3" in done.stderr


def test_rounds_refuse_without_a_verified_link(provisioned, tmp_path):
    elsewhere = Testbed(provisioned.lab, tmp_path)
    done = elsewhere.fab("run-round2", *ONE, check=False)
    assert done.returncode == 3
    assert "has not been verified" in done.stderr
    assert "run `fab link`" in done.stderr
    provoked("link not verified", "a round without `fab link`", "refused", done.stderr)


def test_a_lab_that_is_not_up(provisioned, tmp_path):
    done = Testbed("away", tmp_path).fab("link", check=False)
    assert done.returncode == 3
    assert "lab 'away' is not up" in done.stderr
    assert "run `fab lab.up`" in done.stderr
    provoked("lab not up", "`fab link` in a lab that is down", "refused", done.stderr)


def test_an_unreachable_host(provisioned, lab, tmp_path):
    listing = ["-i", "inventory/lab", "--list", f"--playbook-dir={ROOT}"]
    known = provisioned.run("ansible-inventory", *listing).stdout
    file = tmp_path / "hosts.json"
    nobody = lab.client.address.rpartition(".")[0] + ".99"  # on the lab's own network
    hosts = json.loads(known)["_meta"]["hostvars"]
    hosts[lab.client.hostname]["ansible_host"] = nobody
    groups = {
        "server": {"hosts": {lab.server.hostname: hosts[lab.server.hostname]}},
        "client": {"hosts": {lab.client.hostname: hosts[lab.client.hostname]}},
    }
    file.write_text(json.dumps(groups))
    done = provisioned.fab("link", f"--inventory={file}", check=False)
    assert done.returncode == 3
    assert f"client host at {nobody}: no SSH connection" in done.stderr
    provoked("a host that is not there", "an address that nobody has", "refused", done.stderr)


def test_a_missing_tool_on_the_client(verified, ssh):
    ssh("client", "mv /opt/testbed/bin/pacer /opt/testbed/bin/pacer.away")
    try:
        done = verified.fab("run-round2", *ONE, check=False)
    finally:
        ssh("client", "mv /opt/testbed/bin/pacer.away /opt/testbed/bin/pacer")
    assert done.returncode == 3
    assert "client host: no wrk2 or pacer there" in done.stderr
    assert "ansible-playbook site.yml" in done.stderr
    provoked("generator missing", "pacer moved away on the client", "refused", done.stderr)


def test_a_slow_link_is_refused(provisioned, ssh, tmp_path):
    elsewhere = Testbed(provisioned.lab, tmp_path, link_floor="")
    shape = "tc qdisc {} dev bench0 root tbf rate {} burst 256kb latency 5ms"
    ssh("server", shape.format("replace", "300mbit"))
    try:
        linked = elsewhere.fab("link", "--duration=2", check=False)
        run = elsewhere.fab("run-round2", *ONE, check=False)
    finally:
        ssh("server", shape.format("replace", "1gbit"))
    assert linked.returncode == 3
    assert re.search(r"server to client: \d+ Mbit/s, below the floor of \d+", linked.stdout)
    assert run.returncode == 3
    assert "not fit to measure over" in run.stderr
    provoked("a slow link", "its rate shaped to 300 Mbit/s", "refused", run.stderr)


def test_an_app_that_changed_since_deployment_is_refused(verified, ssh):
    unit = "/etc/systemd/system/testbed-agents-flask.service"
    ssh("server", f"cp {unit} /root/unit")
    ssh("server", f"sed -i 's,^WorkingDirectory=.*,WorkingDirectory=/opt,' {unit}")
    ssh("server", "systemctl daemon-reload")
    try:
        done = verified.fab("run-round2", *ONE, check=False)
    finally:
        ssh("server", f"mv /root/unit {unit} && systemctl daemon-reload")
    assert done.returncode == 3
    assert "app agents/flask differs from" in done.stderr
    provoked("app changed on the host", "its unit edited there", "refused", done.stderr)


def test_hosts_in_use_are_left_alone(verified):
    process, _ = begin(verified, duration=10)
    done = verified.fab("link", check=False)
    interrupt(process)
    assert done.returncode == 3
    assert "the hosts are in use" in done.stderr
    provoked("hosts in use", "`fab link` beside a campaign", "refused", done.stderr)


def test_a_server_lost_in_the_middle_ends_the_campaign(verified, lab, ssh):
    process, folder = begin(verified, duration=12)
    # the cable is pulled at the other end: a host forgets the routes of an interface that is down
    management = ["ip", "link", "set", lab.server.outer_interface]
    subprocess.run([*management, "down"], check=True)
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        subprocess.run([*management, "up"], check=True)
    assert process.returncode == Exit.RUN_INTERRUPTED, output
    assert "server host at 198.18." in output
    assert "no SSH connection" in output
    assert list(folder.glob("0*/run.json"))
    assert not ssh("client", "pgrep -u bench -f pacer || true")
    said = output[output.index("server host at 198.18.") :]
    provoked("server lost", "its management cable pulled during a run", "stopped", said)
    # the next campaign stops what could not be stopped on the lost host; the host itself ends the
    # lost sessions and, with them, the reservation
    again = [*FEW_WORKERS, *ONE]
    wait_until(
        lambda: verified.fab(*again, check=False).returncode == 0, "the hosts are free", every_s=2
    )
    assert nothing_runs(ssh)
