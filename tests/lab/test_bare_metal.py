"""Follow docs/hosts.md on two hosts that know nothing of a lab, up to a report and back.

Commands, and the exceptions from 'as it was before', are read from the page. Hosts and control side
are what an ordinary user has: logins that may use sudo (on one host with a password), a home with a
key in it, and one inventory, copied and filled in. A delay of the link is not tested here: the
lab's link has a queue of its own, which netem leaves alone on real hosts.
"""

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.host_roles import ROLES
from testbed.lab import control, host, names
from tests.lab import host_snapshot
from tests.lab.campaigns import (
    BIN,
    LIMIT_S,
    LINK_FLOOR_MBIT_PER_S,
    OF_THIS_MACHINE,
    PATIENCE_S,
    ROOT,
    checks,
    records,
)
from tests.lab.conftest import LINK_TRIES, TEST_LAB
from tests.lab.faults import provoked

PAGE = (ROOT / "docs" / "hosts.md").read_text()
USER, PASSWORD = "ada", "correct horse"
NAMES = {"server": "left", "client": "right"}
NOT_COPIED = (
    ".git",
    ".venv",
    ".cache",
    "results",
    "mine",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
)


def section(title):
    """Return the page's text below a heading, up to the next one of its rank or above."""
    level, text = re.search(rf"^(#+) {re.escape(title)}\n(.*)", PAGE, re.M | re.S).groups()
    return re.split(rf"^#{{1,{len(level)}}} ", text, maxsplit=1, flags=re.M)[0]


def commands(title):
    """Return the commands of a section's first block, without their comments."""
    block = re.search(r"```sh\n(.*?)```", section(title), re.S)[1]
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def stays(*tables):
    """Return patterns of names by kind, from the tables of 'What stays' with these numbers."""
    found = {}
    for number in tables:
        rows = section("What stays").split("|---|---|---|\n")[number].split("\n\n")[0]
        for kind, patterns in re.findall(r"^\| (\w+) \| (.*?) \|", rows, re.M):
            found.setdefault(kind, []).extend(re.findall(r"`([^`]+)`", patterns))
    return found


class Walker:
    """A user with a checkout, a home and a shell of their own, on this machine."""

    def __init__(self, lab, folder):
        self.lab, self.checkout, self.home = lab, folder / "checkout", folder / "home"
        shutil.copytree(ROOT, self.checkout, ignore=shutil.ignore_patterns(*NOT_COPIED))
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir(mode=0o700, parents=True)
        self.key = self.ssh / "id_ed25519"
        generate = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key]
        subprocess.run(generate, check=True)
        (self.ssh / "known_hosts").write_text(lab.known_hosts.read_text())
        self.password_file = self.home / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        # OpenSSH takes a user's home from here, not from $HOME
        me = pwd.getpwuid(os.getuid())
        lines = Path("/etc/passwd").read_text().splitlines()
        own = f"{me.pw_name}:x:{me.pw_uid}:{me.pw_gid}::{self.home}:/bin/sh"
        rest = [line for line in lines if not line.startswith(f"{me.pw_name}:")]
        self.passwd = folder / "passwd"
        self.passwd.write_text("\n".join([own, *rest]) + "\n")
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "ANSIBLE_BECOME_PASSWORD_FILE": str(self.password_file),
        }

    def run(self, words, *, check=True, **environment):
        """Run a command line as that user would in their checkout, and return the finished process.

        `environment` has variables besides those of every command; None removes one.
        """
        variables = {
            name: value
            for name, value in (self.environment | environment).items()
            if value is not None
        }
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"',
             self.passwd, *words],
            cwd=self.checkout, env=variables, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert "Traceback" not in said, said
        assert not check or done.returncode == 0, f"{shlex.join(words)}:\n{said}"
        return done

    def fill_in(self):
        """Edit the copied inventory as the page says: addresses, interfaces, names, who logs in."""
        file = self.checkout / "inventory" / "mine" / "hosts.yml"
        text = file.read_text()
        for one, managed, bench in (
            (self.lab.server, "192.0.2.10", "198.18.0.1"),
            (self.lab.client, "192.0.2.20", "198.18.0.2"),
        ):
            for old, new in (
                (f"ansible_host: {managed}", f"ansible_host: {one.address}"),
                (f"bench_address: {bench}", f"bench_address: {one.bench_address}"),
                (f"bench-{one.role}:", f"{NAMES[one.role]}:"),
            ):
                assert text.count(old) == 1
                text = text.replace(old, new)
        text = text.replace("enp3s0", names.BENCH_INTERFACE)
        floor = f"testbed_link_floor_mbit_per_s: {LINK_FLOOR_MBIT_PER_S}"
        text = text.replace("ansible_user: admin", f"ansible_user: {USER}\n    {floor}")
        assert text.count("# testbed_workloads: [agents]") == 1
        text = text.replace("# testbed_workloads: [agents]", "testbed_workloads: [agents, todo]")
        file.write_text(text)

    @contextmanager
    def agent(self):
        """An agent that holds the key while the key file is away; yields its environment."""
        socket = self.home / "agent"
        away = self.home / "id_ed25519"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
        try:
            while not socket.exists():
                assert agent.poll() is None
                time.sleep(0.05)
            environment = {"SSH_AUTH_SOCK": str(socket)}
            self.run(["ssh-add", "-q", str(self.key)], **environment)
            for end in ("", ".pub"):
                Path(f"{self.key}{end}").rename(f"{away}{end}")
            yield environment
        finally:
            agent.terminate()
            agent.wait()
            for end in ("", ".pub"):
                if Path(f"{away}{end}").exists():
                    Path(f"{away}{end}").rename(f"{self.key}{end}")


@pytest.fixture(scope="module")
def fresh():
    """A lab of its own, with hosts that nobody has touched."""
    name = f"m{TEST_LAB}"[:9].rstrip("-")
    control.down(name, print)
    try:
        control.up(name, print)
        yield names.lab(name)
    finally:
        if "TESTBED_KEEP_LAB" not in os.environ:
            control.down(name, print)


@pytest.fixture(scope="module")
def root(fresh):
    """A function that runs a command line on a host as root; the walk itself only has sudo."""

    def run(role, command, text=None, check=True):
        one = fresh.server if role == "server" else fresh.client
        done = subprocess.run(
            host.ssh_command(fresh, one, command), input=text, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    return run


@pytest.fixture(scope="module")
def walker(fresh, root, tmp_path_factory):
    """The user, who may log in to both hosts and use sudo there, on the server with a password."""
    user = Walker(fresh, tmp_path_factory.mktemp("walk"))
    for role in ROLES:
        root(role, f"useradd --create-home --shell /bin/bash {USER}")
        folder = f"/home/{USER}/.ssh"
        root(role, f"install -d -m 700 -o {USER} -g {USER} {folder}")
        root(role, f"cat > {folder}/authorized_keys", user.key.with_suffix(".pub").read_text())
        root(role, f"chown {USER}: {folder}/authorized_keys && chmod 750 /home/{USER}")
        # a careful user's umask, which sudo passes on
        root(role, f"sed -i '1i umask 077' /home/{USER}/.bashrc")
    root("server", "chpasswd", f"{USER}:{PASSWORD}\n")
    root("server", f"usermod --append --groups sudo {USER}")
    root("client", f"echo '{USER} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{USER}")
    return user


@pytest.fixture
def snapshot(root):
    """A function that returns the state of both hosts."""
    script = Path(host_snapshot.__file__).read_text()
    return lambda: {role: json.loads(root(role, "python3 -", script)) for role in ROLES}


def recap(done):
    """Return the counts per host from Ansible's closing lines."""
    lines = re.findall(r"^(\S+) +: (ok=.*)$", done.stdout, re.M)
    return {
        name: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)}
        for name, counts in lines
    }


def said(done):
    """Return what Ansible printed, with long lines unfolded."""
    return " ".join(done.stdout.split())


def differences(before, after, *tables):
    """Return the differences on both hosts that none of these tables of 'What stays' has."""
    patterns = stays(*tables)
    return {role: host_snapshot.differences(before[role], after[role], patterns) for role in ROLES}


def enabled(state):
    return {unit for unit, how in state["unit"].items() if how.startswith("enabled")}


def follow(walker, step, **environment):
    """Run one step of the page. The speed of the link depends on this machine, so it may retry."""
    tries = LINK_TRIES if step[:2] == ["fab", "link"] else 1
    for _ in range(tries):
        done = walker.run(step, check=False, **environment)
        if done.returncode == 0:
            break
    if step[:2] == ["fab", "check"]:
        assert {"server", "client"} <= set(done.stdout.split()), done.stdout + done.stderr
    else:
        assert done.returncode == 0, f"{shlex.join(step)}:\n{done.stdout}{done.stderr}"
    if step[0] == "cp":
        walker.fill_in()
    return done


def test_the_page_is_walked_to_a_report_and_back(walker, root, snapshot):
    before = snapshot()
    steps, undo = commands("Steps"), commands("Undo")
    site = next(step for step in steps if step[-1] == "site.yml")
    for step in steps:
        done = follow(walker, step)
        if step == site:
            with (
                walker.agent() as environment
            ):  # the same key from an agent: nothing may have changed
                again = walker.run(site, **environment)
            assert {"left", "right"} <= set(recap(again))
            assert all(counts["changed"] == 0 for counts in recap(again).values()), again.stdout
        if step[:2] == ["fab", "run-round2"]:
            (run,) = records((walker.checkout / "results" / "latest").resolve())
            assert run["failure"] is None, run["failure"]
            assert checks(run, "invalid") <= OF_THIS_MACHINE, run["findings"]
    assert "report" in done.stdout
    assert list((walker.checkout / "results" / "latest").glob("**/*.html"))
    root("server", "cd / && (setsid runuser -u bench -- sleep 600 > /dev/null 2>&1 < /dev/null &)")
    for step in undo:
        done = walker.run(step)
    assert "These Debian packages were not there before" in said(done)
    after = snapshot()
    left = differences(before, after, 1, 2)
    packages = {
        role: set(root(role, "cat /var/lib/dpkg/info/*.list").splitlines()) for role in ROLES
    }
    for role, lines in left.items():
        new = after[role]["package"].keys() - before[role]["package"].keys()
        assert before[role]["package"].items() <= after[role]["package"].items()
        assert [line for line in lines if not is_of(line, new, packages[role])] == []
        assert enabled(after[role]) <= enabled(before[role])
    again = walker.run(undo[-1])
    assert all(counts["changed"] == 0 for counts in recap(again).values()), again.stdout


def is_of(line, packages, files):
    """Return whether a difference is a new package, or a file that a package has brought."""
    kind, name, _, found = re.fullmatch(r"(\w+) (.+?): (.+) -> (.+)", line).groups()
    if kind == "package":
        return name in packages
    # where /lib and others are links into /usr, packages may say either
    return kind == "file" and bool({name, name.removeprefix("/usr")} & files) and found != "absent"


@pytest.fixture
def once_used(walker, root):
    """Hosts on which the testbed has been before, so that all packages are there."""
    if not root("server", "command -v wrk || true"):
        for step in commands("Steps")[:3] + commands("Undo"):
            follow(walker, step)


def test_what_was_there_before_is_put_back(walker, once_used, fresh, root, snapshot):
    """Walk again, with all packages there, somebody's own databases, host names, INI and agent."""
    root("server", "systemctl enable --now postgresql redis-server")
    own = "cd /etc/postgresql/*/main/conf.d && echo 'work_mem = 7MB' > own.conf"
    root("server", f"{own} && systemctl restart postgresql")
    root("server", "cd / && runuser -u postgres -- psql -qc 'CREATE DATABASE mine'")
    root("server", "redis-cli set mine 1 && redis-cli save")
    inventory = walker.checkout / "inventory" / "named"
    inventory.write_text(
        "[all:vars]\n"
        f"ansible_user={USER}\ntestbed_place=metal\nbench_interface={names.BENCH_INTERFACE}\n"
        f"[server]\nrack-1 bench_address={fresh.server.bench_address} "
        "testbed_workloads=\"['todo']\"\n"  # it needs PostgreSQL and Redis
        f"[client]\nrack-2 bench_address={fresh.client.bench_address}\n"
        "[cellar:children]\nserver\nclient\n"
    )
    config = "".join(
        f"Host {name}\n  HostName {one.address}\n"
        for name, one in zip(("rack-1", "rack-2"), fresh.hosts, strict=True)
    )
    (walker.ssh / "config").write_text(config)
    before = snapshot()
    play = ["ansible-playbook", "-i", str(inventory)]
    with walker.agent() as environment:
        walker.run([*play, "site.yml"], **environment)
        follow(walker, ["fab", "check", "--inventory", str(inventory)], **environment)
        # what belongs to one of the testbed's roles, in a database that is not its own
        owned = "psql -q mine -c 'CREATE TABLE kept (); ALTER TABLE kept OWNER TO testbed'"
        root("server", f"cd / && runuser -u postgres -- {owned}")
        stopped = walker.run([*play, "playbooks/teardown.yml"], check=False, **environment)
        assert stopped.returncode != 0
        assert 'role "testbed" cannot be dropped' in said(stopped)
        root("server", "cd / && runuser -u postgres -- psql -q mine -c 'DROP TABLE kept'")
        walker.run([*play, "playbooks/teardown.yml"], **environment)
    assert differences(before, snapshot(), 1) == {"server": [], "client": []}
    provoked(
        "teardown is cut off",
        "a table of somebody's belongs to the testbed's database role; teardown again without it",
        "repeated",
        'role "testbed" cannot be dropped because some objects depend on it',
    )


def test_root_that_cannot_be_had_is_told_and_changes_nothing(walker, once_used, snapshot):
    inventory = walker.checkout / "inventory" / "mine"
    before = snapshot()
    site = ["ansible-playbook", "-i", str(inventory), "site.yml"]
    done = walker.run(site, check=False, ANSIBLE_BECOME_PASSWORD_FILE=None)
    assert done.returncode != 0
    assert "left can be logged in to, but nothing be done as root there" in said(done)
    assert "Missing sudo password. If sudo asks for a password, add -K" in said(done)
    assert "Nothing is done here, as left could not be reached" in said(done)
    provoked(
        "sudo asks for a password",
        "site.yml without -K for a user who may sudo with a password",
        "refused",
        "left can be logged in to, but nothing be done as root there: Missing sudo password",
    )
    walker.password_file.write_text("wrong\n")
    wrong = walker.run(site, check=False)
    walker.password_file.write_text(PASSWORD + "\n")
    assert "Incorrect sudo password" in said(wrong)
    assert differences(before, snapshot(), 1) == {"server": [], "client": []}


def test_somebodys_own_user_of_the_same_name_is_left_alone(walker, once_used, root):
    inventory = walker.checkout / "inventory" / "mine"
    site = ["ansible-playbook", "-i", str(inventory), "playbooks/hosts.yml", "--tags=bench_user"]
    root("client", "useradd --comment 'Ben Chaplin' bench")
    try:
        done = walker.run(site, check=False)
    finally:
        root("client", "userdel bench")
    message = "right has a user 'bench' who is not the testbed's"
    assert message in said(done)
    assert "testbed_user" in said(done)
    provoked(
        "somebody's own user is called bench", "useradd bench, then site.yml", "refused", message
    )
