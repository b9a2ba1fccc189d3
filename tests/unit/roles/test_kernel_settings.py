"""The module that sets kernel settings, on a made-up /proc/sys."""

import errno
import json
import os
from pathlib import Path

import pytest

from plugins.module_utils import kernel_files
from plugins.modules import kernel_settings as ks


@pytest.fixture
def proc(tmp_path):
    """A /proc/sys in which all of net.* can be seen, and a folder for records."""
    root = tmp_path / "proc"
    for name, value in {
        "net/core/dev_weight": "64",
        "net/core/somaxconn": "4096",
        "net/ipv4/ip_local_port_range": "32768\t60999",
        "net/ipv4/tcp_tw_reuse": "2",
        "fs/file-max": "9223372036854775807",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(value + "\n")
    (tmp_path / "etc").mkdir()
    return root


def present(proc, *sysctls, check_mode=False, files=()):
    kept = ks.Records(proc.parent / "etc")
    return ks.present(ks.sysctl_settings(list(sysctls), proc), list(files), kept, check_mode, proc)


def restored(proc, check_mode=False):
    return ks.restored(ks.Records(proc.parent / "etc"), check_mode)


def records(proc, name):
    return json.loads((proc.parent / "etc" / name).read_text())


PORTS = {"name": "net.ipv4.ip_local_port_range", "value": "10240 65535"}
BACKLOG = {"name": "net.core.somaxconn", "value": 8192, "at_least": True}
FILES = {"name": "fs.file-max", "value": 2097152, "at_least": True}
REUSE = {"name": "net.ipv4.tcp_tw_reuse", "value": 1}
DEVICE_QUEUE = {"name": "net.core.netdev_max_backlog", "value": 16384}


def test_settings_are_applied_read_back_and_recorded(proc):
    result = present(proc, PORTS, BACKLOG)
    assert result["changed"]
    assert result["sysctls"] == [
        {
            "name": "net.ipv4.ip_local_port_range",
            "requested": "10240 65535",
            "before": "32768 60999",
            "actual": "10240 65535",
            "state": "set",
        },
        {
            "name": "net.core.somaxconn",
            "requested": "at least 8192",
            "before": "4096",
            "actual": "8192",
            "state": "set",
        },
    ]
    assert records(proc, "tuning.json")["sysctls"] == result["sysctls"]
    assert (proc.parent / "etc/tuning.json").stat().st_mode & 0o777 == 0o644


def test_the_record_fits_the_model_of_results(proc):
    from testbed.model.campaign import Sysctl

    for item in present(proc, PORTS, FILES, DEVICE_QUEUE)["sysctls"]:
        Sysctl.model_validate(item)


def test_a_second_run_changes_nothing(proc):
    first = present(proc, PORTS, BACKLOG)
    second = present(proc, PORTS, BACKLOG)
    assert not second["changed"]
    assert second["sysctls"] == first["sysctls"]
    assert second["persistent"] == first["persistent"]


def test_what_was_found_first_is_never_overwritten(proc):
    present(proc, REUSE)
    present(proc, REUSE | {"value": 0}, PORTS)
    before = records(proc, "tuning-before.json")
    assert before["net.ipv4.tcp_tw_reuse"]["value"] == "2"
    assert before["net.ipv4.ip_local_port_range"]["value"] == "32768 60999"


def test_what_was_not_changed_is_not_restored(proc):
    present(proc, FILES, REUSE)
    assert set(records(proc, "tuning-before.json")) == {"net.ipv4.tcp_tw_reuse"}
    (proc / "fs/file-max").write_text("5000000\n")  # its administrator's doing
    restored(proc)
    assert ks.read(proc / "fs/file-max") == "5000000"


def test_a_greater_value_is_left_alone_and_not_made_lasting(proc):
    result = present(proc, FILES)
    assert result["sysctls"][0]["state"] == "set"
    assert result["sysctls"][0]["actual"] == "9223372036854775807"
    assert result["persistent"] == []


def test_what_was_there_already_is_not_made_lasting(proc):
    assert present(proc, REUSE | {"value": 2})["persistent"] == []
    assert present(proc, PORTS)["persistent"] == [
        {"name": "net.ipv4.ip_local_port_range", "value": "10240 65535"}
    ]


def test_a_setting_that_is_hidden_is_told_apart_from_one_that_does_not_exist(proc):
    assert present(proc, DEVICE_QUEUE)["sysctls"][0]["state"] == "not on this kernel"
    (proc / "net/core/dev_weight").unlink()  # as in a network namespace of its own
    assert present(proc, DEVICE_QUEUE)["sysctls"][0]["state"] == "not namespaced here"
    optional = present(proc, DEVICE_QUEUE | {"optional": True})
    assert optional["sysctls"][0]["state"] == "not on this kernel"
    elsewhere = present(proc, {"name": "vm.no_such_thing", "value": 1})
    assert elsewhere["sysctls"][0]["state"] == "not on this kernel"
    assert elsewhere["sysctls"][0]["before"] is None


def test_a_path_that_cannot_be_written_is_not_ours(proc, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    item = present(proc, PORTS)["sysctls"][0]
    assert (item["state"], item["actual"]) == ("not namespaced here", "32768 60999")


def refuse(monkeypatch, number):
    def write_text(path, text):
        raise OSError(number, "refused")

    real = Path.write_text

    def patched(path, text, *arguments, **options):
        if "proc" in path.parts:
            return write_text(path, text)
        return real(path, text, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", patched)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EPERM, "not namespaced here"),
        (errno.EROFS, "not namespaced here"),
        (errno.ENOENT, "not on this kernel"),
        (errno.EINVAL, "differs"),
    ],
)
def test_a_refused_write_says_why(proc, monkeypatch, number, state):
    refuse(monkeypatch, number)
    assert present(proc, REUSE)["sysctls"][0]["state"] == state


def test_check_mode_remembers_what_the_kernel_refused(proc, monkeypatch):
    refuse(monkeypatch, errno.EPERM)
    assert present(proc, REUSE)["sysctls"][0]["state"] == "not namespaced here"
    result = present(proc, REUSE, check_mode=True)
    assert not result["changed"]
    assert result["sysctls"][0]["state"] == "not namespaced here"


def test_a_value_that_reads_back_otherwise_differs(proc, monkeypatch):
    monkeypatch.setattr(
        kernel_files, "write", lambda path, value: None
    )  # the kernel took it, and did not
    item = present(proc, REUSE)["sysctls"][0]
    assert (item["state"], item["actual"]) == ("differs", "2")


def test_check_mode_shows_the_change_and_makes_none(proc):
    result = present(proc, REUSE, check_mode=True)
    assert result["changed"]
    assert result["diff"] == {
        "before": "net.ipv4.tcp_tw_reuse = 2\n",
        "after": "net.ipv4.tcp_tw_reuse = 1\n",
    }
    assert (proc / "net/ipv4/tcp_tw_reuse").read_text() == "2\n"
    assert list((proc.parent / "etc").iterdir()) == []


def test_restoring_puts_back_what_was_recorded_and_drops_the_record(proc):
    etc = proc.parent / "etc"
    present(proc, REUSE, PORTS, FILES)
    assert restored(proc, check_mode=True)["changed"]
    assert (proc / "net/ipv4/tcp_tw_reuse").read_text() == "1\n"
    result = restored(proc)
    assert result["changed"]
    assert result["refused"] == []
    assert (proc / "net/ipv4/tcp_tw_reuse").read_text() == "2\n"
    assert ks.read(proc / "net/ipv4/ip_local_port_range") == "32768 60999"
    assert list(etc.iterdir()) == []
    assert not restored(proc)["changed"]


def test_a_refused_restoration_keeps_the_record(proc, monkeypatch):
    present(proc, REUSE)
    refuse(monkeypatch, errno.EINVAL)
    result = restored(proc)
    (sentence,) = result["refused"]
    assert sentence.startswith("net.ipv4.tcp_tw_reuse: is 1, wanted 2, as found before")
    assert (proc.parent / "etc/tuning-before.json").exists()


def test_a_pattern_stands_for_one_setting_per_file(tmp_path):
    for policy, governor in (("policy0", "schedutil"), ("policy1", "powersave")):
        (tmp_path / policy).mkdir()
        (tmp_path / policy / "scaling_governor").write_text(governor + "\n")
    item = {
        "name": "cpufreq.policy{}.scaling_governor",
        "path": f"{tmp_path}/policy*/scaling_governor",
        "value": "performance",
    }
    settings = ks.file_settings([item])
    assert [setting.name for setting in settings] == [
        "cpufreq.policy0.scaling_governor",
        "cpufreq.policy1.scaling_governor",
    ]
    (tmp_path / "etc").mkdir()
    result = ks.present([], settings, ks.Records(tmp_path / "etc"), check_mode=False)
    assert [(one["before"], one["actual"]) for one in result["files"]] == [
        ("schedutil", "performance"),
        ("powersave", "performance"),
    ]
    ks.restored(ks.Records(tmp_path / "etc"), check_mode=False)
    assert (tmp_path / "policy1/scaling_governor").read_text() == "powersave\n"


def test_a_pattern_that_matches_nothing_is_not_on_this_kernel(tmp_path):
    (tmp_path / "etc").mkdir()
    item = {"name": "policy{}", "path": f"{tmp_path}/policy*/governor", "value": "performance"}
    result = ks.present(
        [], ks.file_settings([item]), ks.Records(tmp_path / "etc"), check_mode=False
    )
    assert [one["state"] for one in result["files"]] == ["not on this kernel"]


def test_the_word_in_brackets_is_the_choice_in_force():
    assert kernel_files.words("always [madvise] never") == "madvise"


def test_what_cannot_be_put_back_stays_recorded_alone_and_a_repeat_finishes(proc, monkeypatch):
    present(proc, REUSE, PORTS, BACKLOG)
    held = proc / "net/ipv4/tcp_tw_reuse"
    real = Path.write_text

    def read_only(path, text, *arguments, **options):
        if path == held:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, text, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", read_only)
        for _ in range(2):
            (sentence,) = restored(proc)["refused"]
            assert sentence == (
                "net.ipv4.tcp_tw_reuse: is 1, wanted 2, as found before it was set: "
                f"{held}: Read-only file system"
            )
            assert set(records(proc, "tuning-before.json")) == {"net.ipv4.tcp_tw_reuse"}
    assert ks.read(proc / "net/core/somaxconn") == "4096"
    assert not (proc.parent / "etc/tuning.json").exists()  # so that nobody measures half-tuned
    result = restored(proc)
    assert (result["refused"], result["restored"]) == ([], ["net.ipv4.tcp_tw_reuse = 2"])
    assert list((proc.parent / "etc").iterdir()) == []


def test_check_mode_names_what_could_not_be_put_back(proc, monkeypatch):
    present(proc, REUSE)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "is not writable" in restored(proc, check_mode=True)["refused"][0]
    assert (proc.parent / "etc/tuning.json").exists()


def test_a_setting_that_vanished_stays_recorded_unless_a_reboot_took_it(proc, monkeypatch):
    present(proc, REUSE)
    (proc / "net/ipv4/tcp_tw_reuse").unlink()
    assert "cannot be read now; wanted 2" in restored(proc)["refused"][0]
    monkeypatch.setattr(ks, "BOOT_ID", proc.parent / "boot_id")
    ks.BOOT_ID.write_text("another\n")
    assert restored(proc)["refused"] == []
    assert not (proc.parent / "etc/tuning-before.json").exists()


def test_what_somebody_else_has_set_since_is_left_and_told(proc):
    present(proc, BACKLOG, REUSE)
    (proc / "net/core/somaxconn").write_text("20000\n")
    result = restored(proc)
    assert ks.read(proc / "net/core/somaxconn") == "20000"
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "2"
    (sentence,) = result["left"]
    assert "is 20000, which is not what was set (8192)" in sentence
    assert "it was 4096 before" in sentence
    assert not restored(proc)["changed"]


def test_what_a_reboot_has_undone_needs_no_write(proc):
    present(proc, REUSE)
    (proc / "net/ipv4/tcp_tw_reuse").write_text("2\n")
    result = restored(proc)
    assert (result["refused"], result["left"], result["diff"]["after"]) == ([], [], "")


def test_after_a_reboot_the_first_record_holds_though_ours_was_kept_over_it(proc):
    present(proc, REUSE)
    (proc / "net/ipv4/tcp_tw_reuse").write_text("0\n")  # set at boot by somebody
    present(proc, REUSE)
    assert records(proc, "tuning-before.json")["net.ipv4.tcp_tw_reuse"]["value"] == "2"
    restored(proc)
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "2"


def test_a_setting_that_is_no_longer_asked_for_is_put_back(proc):
    present(proc, REUSE, PORTS)
    would = present(proc, PORTS, check_mode=True)
    assert would["changed"]
    assert would["diff"]["after"] == "net.ipv4.tcp_tw_reuse = 2\n"
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "1"
    result = present(proc, PORTS)
    assert result["restored"] == ["net.ipv4.tcp_tw_reuse = 2"]
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "2"
    assert set(records(proc, "tuning-before.json")) == {"net.ipv4.ip_local_port_range"}
    assert not present(proc, PORTS)["changed"]


def test_another_value_asked_for_is_what_counts_as_ours(proc):
    present(proc, BACKLOG)
    present(proc, BACKLOG | {"value": 16384})
    result = restored(proc)
    assert result["left"] == []
    assert ks.read(proc / "net/core/somaxconn") == "4096"


def test_what_the_kernel_refused_is_not_recorded_as_changed(proc, monkeypatch):
    with monkeypatch.context() as patch:
        refuse(patch, errno.EPERM)
        present(proc, REUSE)
    assert not (proc.parent / "etc/tuning-before.json").exists()
    (proc / "net/ipv4/tcp_tw_reuse").write_text("0\n")  # the machine around it
    assert restored(proc)["restored"] == []


@pytest.mark.parametrize(
    "content",
    [b"", b'{"net.ipv4.tcp_tw', b"\xff\xfe", b"[]", b"7", b'{"a": 1}', b'{"a": {"path": 3}}',
     b'{"a": {"path": "/proc/sys/a", "value": null}}'],
)  # fmt: skip
def test_a_damaged_record_is_told_in_one_sentence_and_left_alone(proc, content):
    present(proc, REUSE)
    file = proc.parent / "etc/tuning-before.json"
    file.write_bytes(content)
    for attempt in (lambda: restored(proc), lambda: present(proc, REUSE)):
        with pytest.raises(ks.DamagedError, match="tuning-before.json is .* -> .*reboot"):
            attempt()
    assert file.read_bytes() == content
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "1"


def test_a_damaged_account_of_what_holds_is_written_anew(proc):
    present(proc, REUSE)
    (proc.parent / "etc/tuning.json").write_text('{"sysc')
    present(proc, REUSE)
    assert records(proc, "tuning.json")["sysctls"][0]["state"] == "set"


def test_records_of_before_say_no_value_applied_and_are_put_back(proc):
    present(proc, REUSE)
    file = proc.parent / "etc/tuning-before.json"
    path = str(proc / "net/ipv4/tcp_tw_reuse")
    file.write_text(json.dumps({"net.ipv4.tcp_tw_reuse": {"path": path, "value": "2"}}))
    assert not present(proc, REUSE, PORTS)["refused"]
    assert restored(proc)["left"] == []
    assert ks.read(proc / "net/ipv4/tcp_tw_reuse") == "2"
