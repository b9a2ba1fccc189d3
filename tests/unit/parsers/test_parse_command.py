"""`python -m analysis parse`, as a user calls it."""

import gzip
import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from printing import Ab, Wrk, ab, wrk

from analysis.__main__ import main
from testbed.model.tool_output import ToolOutput
from testbed.tools import command
from testbed.tools.table import TOOLS

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "contract" / "parsers" / "fixtures"


@pytest.fixture
def file(tmp_path):
    """A file with one run of wrk."""
    path = tmp_path / "wrk.txt"
    path.write_text(wrk(Wrk(status=3)))
    return path


def test_one_run_is_one_document(file, capsys):
    assert main(["parse", str(file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["requests"] == 120_000
    assert document["errors"] == {
        "connect": 0,
        "read": 0,
        "write": 0,
        "timeout": 0,
        "status": 3,
        "wrong_body": None,
    }
    assert document["latency_us"]["percentiles"]["50"] == 1900
    assert document["problems"] == []


def test_a_quotient_has_no_more_digits_than_a_tool_prints(tmp_path, capsys, monkeypatch):
    unrounded = 1.1 * 114259.3454545  # binary fractions leave more digits
    assert len(str(unrounded)) > len("125685.28")
    made = ToolOutput(tool="wrk", goodput_rps=unrounded, duration_s=0.0001234)
    monkeypatch.setattr(command, "parse", lambda text, tool: made)
    (tmp_path / "any.txt").write_text("any")
    assert main(["parse", str(tmp_path / "any.txt")]) == 0
    table = capsys.readouterr().out
    assert "125685.28 " in table
    assert "0.0001234 " in table
    assert str(unrounded) not in table


def test_all_runs_are_a_list_even_if_there_is_one(file, capsys):
    assert main(["parse", str(file), "--all", "--json"]) == 0
    assert [run["tool"] for run in json.loads(capsys.readouterr().out)] == ["wrk"]
    file.write_text(wrk(Wrk()) + ab(Ab()))
    assert main(["parse", str(file), "--all", "--json"]) == 0
    assert [run["tool"] for run in json.loads(capsys.readouterr().out)] == ["wrk", "ab"]
    assert main(["parse", str(file), "--all", "--json", "--tool", "ab"]) == 0
    assert [run["tool"] for run in json.loads(capsys.readouterr().out)] == ["ab"]


@pytest.mark.parametrize("before", ["", "bench-1  | ", "2026-03-02T09:15:01.1Z "])
@pytest.mark.parametrize("key", ["log", "message", "MESSAGE", "textPayload"])
def test_a_log_that_keeps_each_line_as_json(file, capsys, before, key):
    texts = [f"{line}\n" for line in file.read_text().splitlines()]
    records = [json.dumps({"stream": "stdout", key: text, "time": "09:15"}) for text in texts]
    file.write_text("\n".join(before + record for record in records))
    assert main(["parse", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"] == 120_000


def test_lines_of_a_json_list_and_of_a_logger_without_a_blank(file, capsys):
    lines = file.read_text().splitlines()
    listed = "".join(f"    {json.dumps(line)},\n" for line in lines)
    logged = "".join(f"INFO:bench:{line}\n" for line in lines)
    for text in ('"stdout_lines": [\n' + listed + "]\n", logged):
        file.write_text(text)
        assert main(["parse", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["requests"] == 120_000


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_the_encodings_of_other_systems_are_read(file, capsys, coding):
    file.write_bytes(file.read_text().replace("1.90ms", "190.00µs").encode(coding))
    assert main(["parse", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["requests"], found["latency_us"]["percentiles"]["50"]) == (120_000, 190)


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (gzip.compress, "1: this is packed by gzip, which is not read; unpack it"),
        (
            lambda data: data.decode().encode("utf-32-le"),
            "1: this is no text, as it is full of NULs",
        ),
    ],
)
def test_what_is_no_text_is_said_to_be_none(file, capsys, encoded, said):
    file.write_bytes(encoded(file.read_bytes()))
    assert main(["parse", str(file)]) == 2
    assert said in capsys.readouterr().err


def test_json_is_not_wrapped_or_coloured(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    path = tmp_path / "x"
    path.write_text(wrk(Wrk(url="http://h/" + "[bold]a" * 50)))
    assert main(["parse", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["url"].endswith("[bold]a")


def test_without_json_it_is_a_table_with_the_problems(file, capsys):
    file.write_text(file.read_text().replace("Running 30s", "Running 90s"))
    assert main(["parse", str(file)]) == 0
    out = capsys.readouterr().out
    for part in ("wrk", "3996 ", "120000", "status 3", "1900 µs", "stopped early", "99 %"):
        assert part in out
    assert "None" not in out


def test_the_table_takes_no_text_for_markup(file, capsys):
    file.write_text(wrk(Wrk(url="http://[bold]/[/]")))
    assert main(["parse", str(file)]) == 0
    assert "http://[bold]/[/]" in capsys.readouterr().out


def test_the_table_of_iperf_names_streams_and_directions(capsys):
    assert main(["parse", str(FIXTURES / "iperf-dual-client.txt")]) == 0
    assert "952 Mbit/s sent" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_windows_files_are_read(file, capsys, encoding):
    file.write_bytes(wrk(Wrk()).replace("\n", "\r\n").encode(encoding))
    assert main(["parse", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["requests"] == 120_000


def test_prose_in_another_encoding_does_not_matter(file, capsys):
    file.write_bytes("Café, größer\n".encode("latin-1") + wrk(Wrk()).encode())
    assert main(["parse", str(file), "--json"]) == 0


def test_stdin(monkeypatch, capsys):
    stdin = io.TextIOWrapper(io.BytesIO(ab(Ab()).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["parse", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tool"] == "ab"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hello\n", f":1: no output of {', '.join(TOOLS)} in this text"),
        ("", ":1: the text is empty"),
        (wrk(Wrk()) * 2, ":14: 2 runs in one text, at lines 1, 14; --all (parse_all) gives each"),
        (wrk(Wrk()).replace("30.03s", "30x"), ":11: '30x' is no figure as wrk prints it"),
        ("\n[red]unable to resolve h:80\n", ":2: no output of"),
        ("unable to resolve h:80 [red]\n", ":1: no figures of"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(tmp_path, capsys, content, said):
    path = tmp_path / "out.txt"
    path.write_text(content)
    assert main(["parse", str(path), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {path}{said}")
    assert captured.err.count("\n") == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path, capsys):
    assert main(["parse", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path}/none: no such file\n"
    assert main(["parse", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path}: is a folder, not a file\n"


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "pipe", "socket", ""])
def test_what_is_no_file_is_refused_at_once(tmp_path, capsys, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert main(["parse", name]) == 2
    kinds = {"pipe": "is a pipe (FIFO)", "socket": "is a socket", "": "an empty name"}
    assert kinds.get(name, "is a device") in capsys.readouterr().err


def test_stdin_may_be_a_pipe_and_ends_at_the_limit(file):
    call = [sys.executable, "-m", "analysis", "parse", "-"]
    done = subprocess.run(call, cwd=ROOT, input=file.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    with Path("/dev/zero").open("rb") as zeros:
        done = subprocess.run(call, cwd=ROOT, stdin=zeros, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: stdin: is too large; at most 67,108,864 bytes are read\n"


def test_a_file_larger_than_any_tool_s_is_not_read(tmp_path, capsys):
    path = tmp_path / "out.txt"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)
    assert main(["parse", str(path)]) == 2
    assert "is too large: 3,221,225,472 bytes; at most 67,108,864 are read" in (
        capsys.readouterr().err
    )


def test_a_text_of_more_lines_than_any_tool_prints_is_not_looked_through(tmp_path, capsys):
    path = tmp_path / "out.txt"
    path.write_bytes(b"\n" * 1_000_001)
    assert main(["parse", str(path)]) == 2
    assert ":1000001: more than 1,000,000 lines" in capsys.readouterr().err


def test_a_file_s_name_is_shown_on_one_line(tmp_path, capsys):
    path = tmp_path / "a\nb\x1b[2J\tc"
    assert main(["parse", str(path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path}/a\\nb\\x1b[2J\\tc: no such file\n"
    path.write_text("hello\n")
    assert main(["parse", str(path)]) == 2
    assert "a\\nb\\x1b[2J\\tc:1: no output" in capsys.readouterr().err


def test_stdin_that_is_closed_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["parse", "-"]) == 2
    assert capsys.readouterr().err == "error: stdin: is closed\n"


def test_a_full_disk_and_a_poor_terminal_are_no_crash(file):
    call = [sys.executable, "-m", "analysis", "parse", str(file)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(call, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (2, b"error: no space left on device\n")
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(call, cwd=ROOT, capture_output=True, env=ascii_only, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"1900 \xb5s" in done.stdout


def test_as_a_program(file):
    """Run once for real: exit codes reach the shell, and nothing else is printed."""
    call = [sys.executable, "-m", "analysis", "parse"]
    good = subprocess.run([*call, str(file), "--json"], cwd=ROOT, capture_output=True, check=False)
    assert (good.returncode, good.stderr) == (0, b"")
    assert json.loads(good.stdout)["tool"] == "wrk"
    bad = subprocess.run([*call, "-"], cwd=ROOT, input=b"x", capture_output=True, check=False)
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr.startswith(b"error: stdin:1: ")
    unknown = subprocess.run(
        [*call, "--tool", "siege", "-"], cwd=ROOT, capture_output=True, check=False
    )
    assert unknown.returncode == 2
