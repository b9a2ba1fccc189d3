"""Test that fab reaches real SSH servers as Ansible does, by the user's SSH settings."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.lab.campaigns import BIN, PATIENCE_S, ROOT, wait_until
from tests.lab.faults import provoked

# Both ask both hosts for a word; fab by the way of every task, as the user that measures
ASK = """
from testbed.hosts import inventory, remotes
import sys
for remote in remotes.connect(inventory.load(sys.argv[1])).values():
    print(remote.run(["sh", "-c", "echo $(id -un)@$(hostname)"]).stdout.strip())
    remote.close()
"""


@pytest.fixture(scope="module")
def bench(lab, provisioned):
    """Provisioned hosts, on which the user who measures may log in with the lab's own key."""
    return lab


@pytest.fixture
def sockets():
    """A folder with a short name: the path of a socket has at most 108 characters (unix(7))."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def agent(bench, sockets):
    """An agent that holds the key which both hosts know."""
    path = sockets / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    environment = os.environ | {"SSH_AUTH_SOCK": str(path)}

    def answers():
        listed = subprocess.run(
            ["ssh-add", "-l"], env=environment, capture_output=True, check=False
        )
        return listed.returncode != 2  # exit code 2 of ssh-add(1): unable to contact the agent

    wait_until(answers, "the agent listens")
    subprocess.run(["ssh-add", "-q", bench.private_key], env=environment, check=True)
    yield path
    process.terminate()
    process.wait()


class Way:
    """An inventory of the lab's hosts as if they were real ones, and the user's own SSH folder."""

    def __init__(self, lab, folder, agent):
        self.lab, self.agent = lab, agent
        self.ssh, self.inventory = folder / "ssh", folder / "inventory"
        self.ssh.mkdir(mode=0o700)
        (self.ssh / "known_hosts").write_text(lab.known_hosts.read_text())
        self.inventory.mkdir()

    def write(self, server, client, *, names=("box-1", "box-2"), config="", **everywhere):
        """Write the variables of each host, those of both, and ~/.ssh/config."""
        entries = {}
        for host, name, own in zip(self.lab.hosts, names, (server, client), strict=True):
            link = {"bench_address": host.bench_address, "bench_interface": "bench0"}
            entries[host.role] = {"hosts": {name: link | own}}
        given = {"ansible_user": "root", "testbed_place": "metal"} | everywhere
        document = {"all": {"vars": given, "children": entries}}
        (self.inventory / "hosts.yml").write_text(json.dumps(document))
        (self.ssh / "config").write_text(config)

    def run(self, *command, with_agent=True):
        """Run a command in a mount namespace where ~/.ssh is the folder above.

        OpenSSH does not use $HOME to find it.
        """
        environment = os.environ | {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.agent.parent)}
        environment["SSH_AUTH_SOCK"] = str(self.agent) if with_agent else ""
        own = Path("~/.ssh").expanduser()
        own.mkdir(mode=0o700, exist_ok=True)
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"',
             self.ssh, own, *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def ansible(self, **how):
        return self.run(BIN / "ansible", "-i", self.inventory, "server:client", "-m", "ping", **how)

    def fab(self, **how):
        return self.run(BIN / "python", "-c", ASK, self.inventory, **how)


@pytest.fixture
def way(bench, agent, tmp_path):
    return Way(bench, tmp_path, agent)


def jump(lab, extra=""):
    """Return settings that make the client the jump host on the way to the server."""
    return (
        f"Host gate\n  HostName {lab.client.address}\n  User root\n  {extra}\n"
        f"Host box-*\n  StrictHostKeyChecking yes\n"
    )


def link_local(lab, ssh, role):
    """Return the host's IPv6 address on the management link, with the machine's interface."""
    found = ssh(role, "ip -6 -o addr show dev mgmt0 scope link")
    return f"{found.split()[3].partition('/')[0]}%{lab.bridge}"


CASES = {
    "an agent's key and addresses": lambda lab: {
        "server": {"ansible_host": lab.server.address},
        "client": {"ansible_host": lab.client.address},
    },
    "a key file below ~": lambda lab: {
        "server": {"ansible_host": lab.server.address},
        "client": {"ansible_host": lab.client.address},
        "ansible_ssh_private_key_file": "~/.ssh/id_mine",
    },
    "names of ~/.ssh/config": lambda lab: {
        "server": {},
        "client": {"ansible_host": "second"},
        "config": f"Include more\nHost second\n  HostName {lab.client.address}\n",
    },
    "ProxyJump of ~/.ssh/config": lambda lab: {
        "server": {"ansible_host": lab.server.address},
        "client": {"ansible_host": lab.client.address},
        "config": jump(lab) + f"Match host {lab.server.address}\n  ProxyJump gate\n",
    },
    "ProxyJump of the inventory": lambda lab: {
        "server": {
            "ansible_host": "{{ server_address }}",
            "ansible_ssh_common_args": "-o ProxyJump=gate",
            "server_address": lab.server.address,
        },
        "client": {"ansible_host": lab.client.address},
        "config": jump(lab),
    },
    "ProxyCommand of the inventory": lambda lab: {
        "server": {
            "ansible_host": lab.server.address,
            "ansible_ssh_common_args": '-o ProxyCommand="ssh -W %h:%p gate"',
        },
        "client": {"ansible_host": lab.client.address},
        "config": jump(lab),
    },
    "host keys unchecked": lambda lab: {
        "server": {"ansible_host": lab.server.address},
        "client": {"ansible_host": lab.client.address},
        "ansible_host_key_checking": False,
        "ansible_ssh_common_args": "-o UserKnownHostsFile=~/.ssh/none",
    },
}


@pytest.mark.parametrize("case", CASES)
def test_fab_reaches_what_ansible_reaches(way, case):
    way.write(**CASES[case](way.lab))
    (way.ssh / "more").write_text(f"Host box-1\n  HostName {way.lab.server.address}\n")
    (way.ssh / "id_mine").write_bytes(way.lab.private_key.read_bytes())
    (way.ssh / "id_mine").chmod(0o600)
    by_agent = "key file" not in case
    pinged = way.ansible(with_agent=by_agent)
    assert pinged.returncode == 0, pinged.stdout + pinged.stderr
    asked = way.fab(with_agent=by_agent)
    names = [f"bench@{host.hostname}" for host in way.lab.hosts]
    assert asked.stdout.splitlines() == names, asked.stdout + asked.stderr


@pytest.fixture
def on_ipv6(lab, ssh):
    """A second SSH server on both hosts, as the lab's own listens on IPv4 only."""
    unit = "sshd-on-ipv6"
    start = f"systemd-run --collect --unit={unit} /usr/sbin/sshd -D -o ListenAddress=:: -p 2222"
    for role in ("server", "client"):
        ssh(role, f"{start} -o PidFile=none")
    yield 2222
    for role in ("server", "client"):
        ssh(role, f"systemctl stop {unit}")


def test_a_link_local_ipv6_address(way, ssh, on_ipv6):
    addresses = [link_local(way.lab, ssh, role) for role in ("server", "client")]
    known = (way.ssh / "known_hosts").read_text()
    for host, address in zip(way.lab.hosts, addresses, strict=True):
        known += known.partition(host.address)[2].partition("\n")[0].join([address, "\n"])
    (way.ssh / "known_hosts").write_text(known)
    way.write(*({"ansible_host": address, "ansible_port": on_ipv6} for address in addresses))
    for role in ("server", "client"):
        ssh(role, "while ! ss -Htln sport = :2222 | grep -q .; do sleep 0.1; done")
    pinged = way.ansible()
    assert pinged.returncode == 0, pinged.stdout + pinged.stderr
    asked = way.fab()
    assert len(asked.stdout.splitlines()) == 2, asked.stderr


def test_neither_reaches_a_host_whose_key_has_changed(way):
    text = (way.ssh / "known_hosts").read_text()
    other = way.ssh / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    key = " ".join(other.with_suffix(".pub").read_text().split()[:2])
    address = way.lab.server.address
    lines = [line for line in text.splitlines() if address not in line]
    (way.ssh / "known_hosts").write_text("\n".join([*lines, f"{address} {key}"]) + "\n")
    way.write({"ansible_host": address}, {"ansible_host": way.lab.client.address})
    assert way.ansible().returncode != 0
    done = way.run(BIN / "fab", "link", f"--inventory={way.inventory}")
    assert done.returncode == 3
    assert "its host key (SHA256:" in done.stderr
    assert "is another one than in" in done.stderr
    provoked("a host's SSH key has changed", "another key in known_hosts", "refused", done.stderr)


def test_without_a_key_the_remedy_is_named(way):
    way.write(*({"ansible_host": host.address} for host in way.lab.hosts))
    done = way.run(BIN / "fab", "link", f"--inventory={way.inventory}", with_agent=False)
    assert done.returncode == 3
    assert "user bench was not let in by any key (tried: there was no key to try)" in done.stderr
    assert "bench_user_authorized_keys" in done.stderr
    provoked("no key lets fab in", "an inventory without key or agent", "refused", done.stderr)


def test_swapped_hosts_are_refused(way):
    server, client = way.lab.hosts
    way.write({"ansible_host": client.address}, {"ansible_host": server.address})
    done = way.run(BIN / "ansible-playbook", "-i", way.inventory, "playbooks/hosts.yml")
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "the inventory has server and client swapped" in said
    assert f"{client.bench_address}, which is the other host's bench_address" in said
    provoked(
        "server and client swapped in the inventory", "each has the other's ansible_host",
        "refused", said.partition("msg: ")[2].partition(" fatal")[0],
    )  # fmt: skip
