"""What is wrong with an inventory is told by file, host, key and remedy, by fab and by site.yml."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import paths
from testbed.errors import TestbedError
from testbed.hosts import inventory, inventory_files

ROOT = paths.ROOT
EXAMPLE = ROOT / "inventory" / "baremetal"
TEXT = (EXAMPLE / "hosts.yml").read_text()


@pytest.fixture(scope="module")
def example():
    return inventory._view(str(EXAMPLE))


def refusal(view):
    with pytest.raises(TestbedError) as refused:
        inventory.check(view)
    return str(refused.value)


def test_the_example_is_sound(example):
    found = inventory.check(example)
    assert found.hosts["server"].ansible_host == "192.0.2.10"
    assert found.hosts["client"].bench_address == "198.18.0.2"
    assert found.facts.testbed_place == "metal"


@pytest.mark.parametrize("key", ["bench_address", "bench_interface"])
@pytest.mark.parametrize("name", ["bench-server", "bench-client"])
def test_a_missing_key_is_looked_for_where_the_host_is_declared(example, name, key):
    view = copy.deepcopy(example)
    del view["hosts"][name]["values"][key]
    del view["hosts"][name]["where"][key]
    said = refusal(view)
    line = next(n for n, text in enumerate(TEXT.splitlines(), 1) if text.strip() == f"{name}:")
    assert f"inventory/baremetal/hosts.yml:{line}: host {name}: " in said
    assert f"{key} is missing\n  -> give the host's" in said


@pytest.mark.parametrize(
    ("key", "values"),
    [
        (
            "bench_address",
            ["198.18.0.300", "198.18.0.1/24", "fe80::1", "", "here", 5, None, [], "127.0.0.1",
             "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1\n"],  # noqa: S104 - refused
        ),
        ("bench_interface", ["lo", "", "a" * 16, "eth 0", "eth0;id", "../x", 3, None, "-x",
                             "eth0@if2", "eth0.7@eth0", "eth0:1", "lo@if2", "eth0@"]),
        ("testbed_app_port", [0, -1, 80, 65536, 1e9, "x", True, None, 8080.5, "inf", "nan", [1],
                              "8_080", "\uff18\uff10", " 8080", "8.08e3"]),
        ("testbed_database_port", [0, 65536, "x", True]),
        ("testbed_limit_nofile", [0, 100, 2**31, "many", False]),
        (
            "testbed_link_floor_mbit_per_s",
            [0, -5, 1e308, float("inf"), float("nan"), "fast", True, "9" * 500],
        ),
        ("testbed_link_max_age_h", [0, -1, 1e9, "day", True]),
        ("testbed_place", ["metall", "", 1]),
        ("testbed_user", ["root", "", "a b", "bench;id", "x" * 40, "Bench", 1, "-x", "bench\n"]),
        ("testbed_database", ["", "a-b", 'a"b', "x" * 40, "1a", 5, "postgres", "shop"]),
        (
            "testbed_prefix",
            ["/", "/opt", "opt/testbed", "", "/opt/../etc", "/opt/test bed", "/opt/x\ny", "//",
             "~/x", "/opt/testbed/", "/opt/$(id)", 3, "/usr/local", "/home/bench"],
        ),
        ("testbed_etc", ["/etc", "/etc/ssh"]),
        ("testbed_run", ["/run", "/run/user"]),
        ("testbed_settings", ["/run", "/etc/ssh"]),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_told_by_file_host_and_key(example, key, values):
    for value in values:
        view = copy.deepcopy(example)
        for host in view["hosts"].values():
            host["values"][key] = value
        message = refusal(view)
        known = example["hosts"]["bench-server"]["where"]
        place = known.get(key, known["inventory_hostname"])
        where = f"{inventory_files.shown(place)}: host bench-server: {key} is "
        assert message.startswith(where), value
        assert "it has to be " in message or "which no interface" in message, value
        assert len(message.splitlines()) == 2, value
        assert len(message) < 500


@pytest.mark.parametrize(("value", "name"), [("eth0@if2", "eth0"), ("eth0:1", "eth0")])
def test_of_what_ip_prints_the_name_alone_is_taken(example, value, name):
    view = copy.deepcopy(example)
    view["hosts"]["bench-client"]["values"]["bench_interface"] = value
    assert f"bench_interface is '{value}'; it has to be '{name}': " in refusal(view)


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("testbed_app_port", "8081", 8081),
        ("testbed_link_floor_mbit_per_s", "9400.5", 9400.5),
        ("testbed_prefix", "/srv/testbed-2", "/srv/testbed-2"),
    ],
)
def test_values_may_be_written_as_text(example, key, value, kept):
    view = copy.deepcopy(example)
    for host in view["hosts"].values():
        host["values"][key] = value
    assert getattr(inventory.check(view).facts, key) == kept


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h["bench-client"]["values"].update(bench_address="198.18.0.1"),
         "bench_address is 198.18.0.1, which is host bench-server's as well"),
        (lambda h: h["bench-client"].update(address="192.0.2.10"),
         "ansible_host is 192.0.2.10, which is host bench-server's as well"),
        (lambda h: h["bench-client"].update(address="198.18.0.1"),
         "ansible_host is 198.18.0.1, which is the bench_address of host bench-server"),
        (lambda h: h["bench-client"]["values"].update(testbed_app_port=8081),
         "testbed_app_port is 8081, but 8080 for host bench-server"),
        (lambda h: [one["values"].update(testbed_app_port=5001) for one in h.values()],
         "testbed_app_port is 5001, which is iperf's port"),
        (lambda h: [one["values"].update(testbed_upstream_port=5001) for one in h.values()],
         "testbed_upstream_port is 5001, which is iperf's port"),
        (lambda h: [one["values"].update(testbed_app_port=5432) for one in h.values()],
         "testbed_app_port is 5432, which is PostgreSQL's port"),
        (lambda h: [one["values"].update(testbed_settings="/run/testbed") for one in h.values()],
         "testbed_run is /run/testbed; it has to be apart from testbed_settings, which is /run"),
        (lambda h: [one["values"].update(testbed_etc="/run/testbed/testbed") for one in h.values()],
         "testbed_etc is /run/testbed/testbed; it has to be apart from testbed_run, which is /run"),
        (lambda h: [one["values"].update(testbed_prefix="/home/a/testbed") for one in h.values()],
         "testbed_prefix is /home/a/testbed, below /home, of which apps see nothing"),
        (lambda h: h["bench-server"].update(connection="local"),
         "ansible_connection is 'local'; fab reaches hosts by SSH only"),
        (lambda h: h["bench-server"]["unreadable"].update(ansible_host="'x' is undefined"),
         "ansible_host cannot be read: 'x' is undefined"),
    ],
)  # fmt: skip
def test_entries_that_contradict_each_other(example, change, words):
    view = copy.deepcopy(example)
    change(view["hosts"])
    assert words in refusal(view)


def test_hosts_behind_one_address_are_told_apart_by_their_ports(example):
    view = copy.deepcopy(example)
    view["hosts"]["bench-client"].update(address="192.0.2.10", ssh_arguments=["-o", "Port=2222"])
    assert inventory.check(view).hosts["client"].ansible_host == "192.0.2.10"


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({}, "group 'server' has 0 hosts; it needs exactly one"),
        ({"server": ["a", "b"], "client": []}, "group 'server' has 2 hosts (a, b)"),
        ({"server": ["bench-server"], "client": ["bench-server"]}, "and in group 'client'"),
    ],
)
def test_groups(example, groups, words):
    said = refusal(example | {"groups": groups})
    assert said.startswith("inventory/baremetal: ")
    assert words in said


FILES = {
    "binary": (b"\x7fELF\x00\x01\xff", "hosts.yml: this is not text in UTF-8"),
    "zeros": (b"all:\0\n", "hosts.yml: this is not text: it holds zero bytes"),
    "broken": (b"all:\n  hosts: [\n", "hosts.yml:3: not valid YAML: "),
    "empty": (b"", "hosts.yml: this file is empty"),
    "list": (b"- a\n- b\n", "hosts.yml: holds no groups: it is not a mapping"),
    "deep": (b"[" * 5000, "hosts.yml: nested too deeply"),
    "escape code": (
        b"all:\n  vars: {x: 'a\x1b[2J'}\n",
        "hosts.yml:2: not valid YAML: it holds the",
    ),
    "escaped escape code": (
        b'all:\n  children: {server: {hosts: {"a\\e[2J\\n": {}}}}\n',
        r"hosts.yml:2: the name 'a\x1b[2J\n' holds a character that does not print",
    ),
    "script": (b"#!/bin/sh\necho no such place >&2\nexit 3\n", "hosts.yml: no such place"),
    "no program": (b"all: {}\n", "hosts.yml: cannot be run: "),
    "folder": (None, "this folder holds no inventory file"),
}


def written(folder, kind):
    content, words = FILES[kind]
    folder.mkdir()
    (folder / "group_vars").mkdir()
    if content is not None:
        (folder / "hosts.yml").write_bytes(content)
        if kind in ("script", "no program"):
            (folder / "hosts.yml").chmod(0o700)
    return words


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_inventory(tmp_path, kind):
    words = written(tmp_path / "mine", kind)
    with pytest.raises(TestbedError) as refused:
        inventory_files.explain(str(tmp_path / "mine"))
    assert words in refused.value.message
    assert str(tmp_path / "mine") in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize("kind", ["pipe", "device", "empty name"])
def test_a_place_that_ansible_would_read_without_end_is_refused(tmp_path, kind):
    os.mkfifo(tmp_path / "pipe")
    place = {"pipe": str(tmp_path / "pipe"), "device": "/dev/zero", "empty name": ""}[kind]
    words = {"pipe": "a pipe", "device": "a device", "empty name": "no inventory at ''"}[kind]
    with pytest.raises(TestbedError, match=words):
        inventory.load(place)


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)
ENDLESS = {
    "group in itself": (
        "all:\n  children: &a\n    server: *a\n",
        ":2: contains itself, by an alias",
    ),
    "list in itself": ("all: {vars: {x: &a [1, *a]}}\n", ":1: contains itself, by an alias"),
    "bomb": (f"{BOMB}all: {{vars: {{x: *a8}}}}\n", ": its aliases, written out, are "),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("place", ["hosts.yml", "group_vars/all.yml", "host_vars/a/x.yml"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_aliases_that_ansible_would_write_out_without_end(tmp_path, kind, place, as_folder):
    (tmp_path / "hosts.yml").write_text(TEXT)
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    content, words = ENDLESS[kind]
    file.write_text(content)
    with pytest.raises(TestbedError) as refused:
        inventory.load(str(tmp_path if as_folder else tmp_path / "hosts.yml"))
    assert f"{file}{words}" in refused.value.message


def test_aliases_that_end_are_taken(tmp_path):
    pair = "".join(f"  {name}: {{hosts: {{{name}1: *v}}}}\n" for name in ("server", "client"))
    (tmp_path / "hosts.yml").write_text(f"all:\n vars: &v {{a: 1, b: &x [1]}}\n children:\n{pair}")
    inventory_files.check_place(str(tmp_path))


@pytest.mark.parametrize("place", ["x", "group_vars/x"])
def test_a_pipe_within_an_inventory_is_refused(tmp_path, place):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "hosts.yml").write_text(TEXT)
    os.mkfifo(tmp_path / place)
    with pytest.raises(TestbedError, match=f"{place}: is a pipe"):
        inventory.load(str(tmp_path))


def test_a_file_larger_than_any_inventory_is_not_given_to_ansible(tmp_path):
    file = tmp_path / "hosts.yml"
    file.touch()
    os.truncate(file, 3 << 30)
    with pytest.raises(TestbedError, match="larger than 10000000 bytes"):
        inventory.load(str(file))


def test_an_inventory_s_name_is_shown_on_one_line(tmp_path):
    with pytest.raises(TestbedError, match=r"no inventory at .*/a\\nb\n"):
        inventory.load(str(tmp_path / "a\nb"))


def edited(old, new):
    assert old in TEXT
    return TEXT.replace(old, new)


WRONG = {
    "missing": edited("          bench_address: 198.18.0.2\n", ""),
    "no group": edited("    client:", "    clients:"),
    "template": edited("ansible_host: 192.0.2.20", 'ansible_host: "{{ nowhere }}"'),
    "port": edited(
        "ansible_host: 192.0.2.20", "ansible_host: 192.0.2.20\n          ansible_port: x"
    ),
    "local": edited("ansible_user: admin", "ansible_connection: local"),
    "binary": None,
    "deep": None,
}


@pytest.mark.parametrize("kind", WRONG)
def test_fab_and_site_yml_say_the_same(tmp_path, kind):
    mine = tmp_path / "mine"
    if WRONG[kind] is None:
        written(mine, kind)
    else:
        mine.mkdir()
        (mine / "hosts.yml").write_text(WRONG[kind])
    with pytest.raises(TestbedError) as refused:
        inventory.load(str(mine))
    said = str(refused.value)
    assert str(mine) in said
    assert "Traceback" not in said
    if kind not in ("template", "no group", "missing", "binary"):
        return  # the others go the same ways through Ansible as these
    done = playbook(mine)
    assert done.returncode == 2
    for line in said.splitlines():
        assert line.strip() in done.stdout
    assert "undefined variable" not in done.stdout


def playbook(folder, *more):
    program = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.run(
        [program, "-i", folder, "playbooks/inventory.yml", *more],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_extra_variables_are_checked_too():
    done = playbook(EXAMPLE, "-e", "testbed_app_port=99999")
    assert done.returncode == 2
    assert "testbed_app_port is '99999'; it has to be a whole number from 1024 to" in done.stdout


def test_values_are_templated_as_ansible_does(tmp_path):
    text = edited(
        "ansible_host: 192.0.2.20", 'ansible_host: "{{ place }}.{{ inventory_hostname }}"'
    )
    text = text.replace("ansible_user: admin", "ansible_user: admin\n    place: lan")
    text = text.replace("bench_address: 198.18.0.2", "bench_address: \"{{ '198.18.0.' ~ 2 }}\"")
    text = text.replace("ansible_host: 192.0.2.10", "comment: no address")
    (tmp_path / "hosts.yml").write_text(text)
    found = inventory.load(str(tmp_path))
    assert found.hosts["client"].ansible_host == "lan.bench-client"
    assert found.hosts["client"].bench_address == "198.18.0.2"
    assert found.hosts["server"].ansible_host == "bench-server"  # nothing but its name


def test_ssh_arguments_are_ansibles_in_its_order(tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "false")
    more = (
        "ansible_user: admin\n    ansible_ssh_private_key_file: ~/.ssh/my key\n"
        "    ansible_ssh_common_args: -J gate -o 'ProxyCommand=a b'\n"
        "    ansible_ssh_extra_args: -4\n    ansible_port: 2222"
    )
    (tmp_path / "hosts.yml").write_text(edited("ansible_user: admin", more))
    arguments = inventory.load(str(tmp_path)).hosts["server"].ssh_arguments
    assert arguments[-13:] == [
        "-o", "StrictHostKeyChecking=no", "-o", "Port=2222",
        "-o", f'IdentityFile="{Path("~/.ssh/my key").expanduser()}"',
        "-o", "ConnectTimeout=10", "-J", "gate", "-o", "ProxyCommand=a b", "-4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"x: {{ y }}\n",
            ":1: a key is a list or mapping; a text that begins with {, as a template",
        ),
        ("# Größe\n".encode("latin-1"), ": this is not text in UTF-8"),
    ],
)
@pytest.mark.parametrize("place", ["hosts.yml", "group_vars/all.yml", "group_vars/server/x.yml"])
def test_an_unquoted_template_and_another_encoding_are_said(tmp_path, place, content, words):
    (tmp_path / "hosts.yml").write_text(TEXT)
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(TestbedError) as refused:
        inventory.load(str(tmp_path / "hosts.yml"))
    assert f"{file}{words}" in refused.value.message
