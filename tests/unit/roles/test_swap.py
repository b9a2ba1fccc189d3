"""The module that turns swap off: what it records, and when the record goes."""

import json

import pytest

from plugins.modules import swap

HEADER = "Filename\tType\tSize\tUsed\tPriority\n"
PARTITION, FILE = "/dev/sda2 partition\t1000\t0\t-2\n", "/swap\\040file file\t500\t0\t7\n"


class FakeModule:
    """Ansible's module on a host whose /proc/swaps is a file."""

    def __init__(self, swaps, refuses=()):
        self.check_mode = False
        self.warnings = []
        self.commands = []
        self._swaps = swaps
        self._refuses = refuses

    def run_command(self, command, environ_update=None):
        self.commands.append(command)
        if command[0] in self._refuses:
            return 1, "", f"{command[0]}: Operation not permitted"
        lines = {"swapoff": "", "swapon": PARTITION + FILE}[command[0]]
        self._swaps.write_text(HEADER + lines)
        return 0, "", ""

    def warn(self, text):
        self.warnings.append(text)

    def fail_json(self, msg, **result):
        raise RuntimeError(msg)


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(swap, "SWAPS", tmp_path / "swaps")
    swap.SWAPS.write_text(HEADER + PARTITION + FILE)
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / swap.RECORD


def test_what_was_on_is_recorded_and_comes_back_with_its_priority(host):
    module = FakeModule(swap.SWAPS)
    assert swap.Swap(module, host).off()["changed"]
    assert json.loads(host.read_text()) == {"/dev/sda2": -2, "/swap file": 7}
    assert not swap.Swap(module, host).off()["changed"]
    result = swap.Swap(module, host).restored()
    assert result["restored"] == ["swap on /dev/sda2", "swap on /swap file"]
    assert ["swapon", "/dev/sda2"] in module.commands
    assert ["swapon", "-p", "7", "/swap file"] in module.commands
    assert not host.exists()
    assert not swap.Swap(module, host).restored()["changed"]


def test_swap_that_does_not_come_back_stays_recorded(host):
    swap.Swap(FakeModule(swap.SWAPS), host).off()
    refusing = FakeModule(swap.SWAPS, refuses=["swapon"])
    with pytest.raises(RuntimeError, match=r"not put back: swap on /dev/sda2, /swap file: .* -> "):
        swap.Swap(refusing, host).restored()
    assert set(json.loads(host.read_text())) == {"/dev/sda2", "/swap file"}


def test_where_the_outer_machine_decides_it_is_said_and_nothing_is_recorded(host):
    module = FakeModule(swap.SWAPS, refuses=["swapoff"])
    assert not swap.Swap(module, host).off()["changed"]
    assert "the machine around this host decides" in module.warnings[0]
    assert not host.exists()


def test_check_mode_changes_nothing(host):
    module = FakeModule(swap.SWAPS)
    module.check_mode = True
    result = swap.Swap(module, host).off()
    assert result["changed"]
    assert "swap on /dev/sda2" in result["diff"]["before"]
    assert module.commands == []
    assert not host.exists()


@pytest.mark.parametrize("content", ["", "[]", '{"/dev/sda2": "x"}', '{"/dev'])
def test_a_damaged_record_is_one_sentence(host, content):
    host.write_text(content)
    for attempt in ("off", "restored"):
        with pytest.raises(swap.DamagedError, match=r"swap-before.json is damaged .* -> reboot"):
            getattr(swap.Swap(FakeModule(swap.SWAPS), host), attempt)()
    assert host.read_text() == content
