"""pacer keeps its schedule whoever stalls, and ends cleanly whoever ends it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hdrh.histogram import HdrHistogram

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
PATIENCE_S = 120
LOAD = ("--rate", "250", "--connections", "8", "--duration", "0.4")  # 100 requests

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
ProcessServer = Callable[..., tuple["subprocess.Popen[str]", str]]


# --- the schedule is kept -------------------------------------------------------------------------


def test_a_stall_is_seen_by_all_requests_it_catches(
    process_server: ProcessServer,
    command: Callable[[str], list[str]],
    adds_up: Callable[[dict[str, Any]], None],
    tmp_path: Path,
) -> None:
    """The server is stopped for at least 3 s of 15 s at 1000/s: a fifth of the requests waits.

    They wait for between the whole stall and nothing, so that a tenth waits longer than half of it
    and a hundredth longer than nine tenths. Service time shows the few that were under way.
    """
    server, url = process_server()
    file, stall_us = tmp_path / "p.json", 3_000_000
    options = ("--rate", "1000", "--connections", "10", "--duration", "15", "--json", str(file))
    process = subprocess.Popen([*command(url), *options], stdout=subprocess.DEVNULL)
    _wait_until_connected(*_load_pids(process, 1))
    time.sleep(2)
    server.send_signal(signal.SIGSTOP)
    time.sleep(stall_us / 1e6)
    server.send_signal(signal.SIGCONT)
    assert process.wait(timeout=PATIENCE_S) == 0
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["ok"] == figures["due"] == 15_000
    response, service = figures["response_us"]["percentiles"], figures["service_us"]["percentiles"]
    assert response["90"] > 0.45 * stall_us
    assert response["99"] > 0.9 * stall_us
    assert figures["response_us"]["max"] > 0.99 * stall_us
    assert service["99"] < response["99"] / 2
    assert figures["service_us"]["max"] > 0.99 * stall_us
    histogram = HdrHistogram.decode(figures["histograms"]["service_us"])
    slow = sum(
        item.count_at_value_iterated_to
        for item in histogram.get_recorded_iterator()
        if item.value_iterated_to > 0.9 * stall_us
    )
    assert 1 <= slow <= 10  # no more than there are connections


def test_a_generator_that_stalls_convicts_itself(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """Its load process stopped for 1.2 s of 10 s: what was due then is late by its own lag."""
    process = subprocess.Popen(
        [
            *command(answering(lambda _: OK)),
            *("--rate", "100", "--connections", "4", "--duration", "10", "--quiet"),
            *("--json", str(tmp_path / "p.json"), "--timeline", str(tmp_path / "t.csv")),
        ]
    )
    [pid] = _load_pids(process, 1)
    _wait_until_connected(pid)
    time.sleep(0.5)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.2)
    os.kill(pid, signal.SIGCONT)
    assert process.wait(timeout=PATIENCE_S) == 0
    figures = json.loads((tmp_path / "p.json").read_text())
    assert figures["ok"] == figures["due"] == 1000
    assert figures["lag_us"]["max"] > 1_000_000
    assert figures["lag_us"]["percentiles"]["90"] > 100_000
    assert figures["late"] > 100
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()[1:4]]
    assert [(row[0], row[2]) for row in rows] == [("0", "100"), ("1", "100"), ("2", "100")]


# --- being stopped --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted(
    answering: Answering,
    command: Callable[[str], list[str]],
    adds_up: Callable[[dict[str, Any]], None],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    file = tmp_path / "partial.json"
    options = ("--rate", "100", "--connections", "4", "--duration", "60", "--processes", "2")
    process = subprocess.Popen(
        [*command(answering(lambda _: OK)), *options, "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _wait_until_connected(*_load_pids(process, 2))
    time.sleep(1)
    process.send_signal(number)
    output, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert complaints == ""
    assert "INCOMPLETE" in output
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["complete"] is False
    assert 0 < figures["measured_s"] < 60
    assert figures["due"] == pytest.approx(100 * figures["measured_s"], rel=0.5, abs=20)
    assert figures["ok"] > 0
    for load in figures["processes"][:-1]:
        with pytest.raises(ProcessLookupError):
            os.kill(load["pid"], 0)


def test_interrupted_before_it_began(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "partial.json"
    process = subprocess.Popen(
        [*command(answering(lambda _: OK)), *LOAD, "--warmup", "60", "--json", str(file)],
        stdout=subprocess.DEVNULL,
    )
    _wait_until_connected(*_load_pids(process, 1))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 130
    figures = json.loads(file.read_text())
    assert figures["complete"] is False
    assert (figures["due"], figures["measured_s"], figures["throughput_rps"]) == (0, 0, None)


def _load_pids(process: "subprocess.Popen[Any]", count: int) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    pids: list[int] = []

    def are_there() -> bool:
        pids[:] = [int(pid) for pid in children.read_text().split()]
        return len(pids) == count

    _wait_until(are_there, "load processes")
    return pids


def _wait_until_connected(*pids: int) -> None:
    """Wait until the load is on: each of its processes has a connection."""
    for pid in pids:
        _wait_until(
            lambda pid=pid: any(c.raddr for c in psutil.Process(pid).net_connections("tcp")),
            "a connection",
        )


def _wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def test_a_load_process_that_dies_is_told(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "partial.json"
    options = ("--rate", "100", "--connections", "4", "--duration", "60", "--processes", "2")
    process = subprocess.Popen(
        [*command(answering(lambda _: OK)), *options, "--json", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = _load_pids(process, 2)
    _wait_until_connected(*pids)
    time.sleep(1)
    os.kill(pids[0], signal.SIGKILL)
    _, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "SIGKILL" in complaints
    figures = json.loads(file.read_text())
    assert figures["complete"] is False
    assert "SIGKILL" in figures["problems"][0]
    assert figures["ok"] > 0
    left = figures["unsent"] + figures["unanswered"]
    assert figures["due"] == figures["completed"] + left


def test_no_load_goes_on_without_its_control_process(
    answering: Answering, command: Callable[[str], list[str]]
) -> None:
    options = ("--rate", "100", "--connections", "4", "--duration", "60", "--processes", "2")
    process = subprocess.Popen([*command(answering(lambda _: OK)), *options])
    pids = _load_pids(process, 2)
    _wait_until_connected(*pids)
    process.kill()
    process.wait()
    _wait_until(lambda: not any(map(_runs, pids)), "the end of the load processes")


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_files_that_cannot_be_written(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    result = subprocess.run(
        [*command(answering(lambda _: OK)), *LOAD, "--json", "/dev/full"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert "cannot write figures" in line
