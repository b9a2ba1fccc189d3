"""What an app may be started with: settings that it declares, with values that fit."""

import importlib.util
import io
import json
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

PATH = Path(__file__).resolve().parents[3] / "roles" / "app_deploy" / "files" / "start_app.py"
SPEC = importlib.util.spec_from_file_location("start_app", PATH)
start_app = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(start_app)

UNIT = "testbed-orders-shop.service"
DECLARED = {
    "WORKERS": {"choices": None, "integer": True, "least": 1, "most": 1024},
    "SHARDS": {"choices": None, "integer": True},  # as before the bounds were told
    "GREETING": {"choices": None, "integer": False},
    "LOOP": {"choices": ["asyncio", "uvloop"], "integer": False},
    "ADDRESS": {"choices": ["198.18.0.1", "127.0.0.1"], "integer": False},
}


AUTH = {"choices": ["scram-sha-256", "md5"], "integer": False}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Calls the program; its exit code, what it wrote for systemd, and what it told systemctl."""
    settings = tmp_path / "settings.json"
    folder = tmp_path / "given"
    by_file = {"file": f"{tmp_path}/{{AUTH}}.env", "named_by": ["AUTH"]}
    declared = {**DECLARED, "AUTH": AUTH, "URL": by_file}
    settings.write_text(json.dumps({"folder": str(folder), "units": {UNIT: declared}}))
    told = []

    def run(command, **options):
        told.append(command)
        return start_app.subprocess.CompletedProcess(command, 0)

    def call(content, unit=UNIT):
        monkeypatch.setattr(start_app.subprocess, "run", run)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = start_app.main([str(settings), unit])
        file = folder / f"{UNIT}.env"
        return code, file.read_text() if file.exists() else None, told

    return call


def test_declared_settings_are_written_and_the_unit_is_started(call, tmp_path):
    code, text, told = call(b"ADDRESS=198.18.0.1\nWORKERS=16\nLOOP=uvloop\n")
    assert code == 0
    assert text == 'ADDRESS="198.18.0.1"\nWORKERS="16"\nLOOP="uvloop"\n'
    assert told == [["/usr/bin/systemctl", "--no-ask-password", "start", UNIT]]
    assert [path.name for path in (tmp_path / "given").iterdir()] == [f"{UNIT}.env"]
    assert (tmp_path / "given").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "given" / f"{UNIT}.env").stat().st_mode & 0o777 == 0o600


def test_the_bounds_of_a_number_are_allowed_themselves(call):
    for content in (b"WORKERS=1\n", b"WORKERS=1024\n", b"SHARDS=2000000\n"):
        assert call(content)[0] == 0


def test_a_setting_may_choose_a_file_of_root_s(call, tmp_path):
    (tmp_path / "md5.env").write_text("URL=postgresql://secret\n")
    code, text, _ = call(b"AUTH=md5\nWORKERS=1\n")
    assert (code, text) == (0, 'AUTH="md5"\nWORKERS="1"\nURL=postgresql://secret\n')
    for refused in (b"AUTH=../x\n", b"URL=postgresql://mine\n"):
        assert call(refused)[0] == 2
    assert "URL" not in call(b"WORKERS=1\n")[1]  # the unit's own holds


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"LD_PRELOAD=/home/bench/x.so", "'LD_PRELOAD' is no setting of this app"),
        (b"PATH=/home/bench", "'PATH' is no setting of this app"),
        (b"PYTHONPATH=/home/bench", "'PYTHONPATH' is no setting of this app"),
        (b"PORT=22", "'PORT' is no setting of this app"),
        (b"workers=1", "'workers' is no setting of this app"),
        (b" WORKERS=1", "' WORKERS' is no setting of this app"),
        (b"ADDRESS=0.0.0.0", "ADDRESS cannot be '0.0.0.0'"),
        (b"ADDRESS=198.18.0.1 ", "ADDRESS cannot be '198.18.0.1 '"),
        (b"LOOP=trio", "one of: asyncio, uvloop"),
        (b"WORKERS=many", "whole number"),
        (b"WORKERS=1\r\n", "whole number"),
        (b"WORKERS=" + b"9" * 19, "whole number"),
        ("WORKERS=\u0663".encode(), "whole number"),
        (b"WORKERS=1\nWORKERS=2", "WORKERS is given twice"),
        (b"WORKERS=0", "WORKERS is from 1 to 1024, and cannot be 0"),
        (b"WORKERS=1025", "WORKERS is from 1 to 1024, and cannot be 1025"),
        (b"WORKERS=-1", "WORKERS is from 1 to 1024, and cannot be -1"),
        (b"GREETING=" + b"x" * 1001, "more than 1000 characters"),
        (b"GREETING=a\x00b", "cannot be printed"),
        (b"GREETING=a\x1b[2J", "cannot be printed"),
        ("GREETING=a\u2028b".encode(), "cannot be printed"),
        (b"GREETING=\xff", "not UTF-8"),
        (b"GREETING=a\nExecStartPre", "not NAME=value"),
        (b"x" * 100_000, "more than 65536 bytes"),
    ],
)
def test_anything_else_is_refused_and_nothing_written_or_started(call, capsys, content, said):
    code, text, told = call(content)
    assert (code, text, told) == (2, None, [])
    assert said in capsys.readouterr().err


def test_another_unit_is_refused(call, capsys):
    code, text, told = call(b"", unit="ssh.service")
    assert (code, text, told) == (2, None, [])
    assert "ssh.service is no app's unit" in capsys.readouterr().err


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=50))
def test_a_value_is_quoted_as_systemd_reads_it(value):
    """Systemd takes a backslash inside double quotes as a POSIX shell does."""
    text = start_app.environment_file({"GREETING": value})
    assert shlex.split(text.replace("\\$", "$").replace("\\`", "`")) == [f"GREETING={value}"]
