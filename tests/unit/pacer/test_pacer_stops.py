"""pacer keeps its schedule whoever stalls, and ends cleanly whoever ends it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LOAD = ("--rate", "250", "--connections", "8", "--duration", "0.4")  # 100 requests

Pacer = Callable[..., dict[str, Any]]
Answering = Callable[..., str]
ProcessServer = Callable[..., tuple["subprocess.Popen[str]", str]]


# --- the schedule is kept -------------------------------------------------------------------------


def test_a_stall_is_seen_by_all_requests_it_catches(
    process_server: ProcessServer, pacer: Pacer
) -> None:
    """Stopped for 3 s of 15 s at 1000/s: 3000 of 15000 requests wait for between 3 s and nothing.

    So a tenth (1500) waits longer than 1.5 s, and a hundredth (150) longer than 2.85 s. Service
    time shows the few that were under way.
    """
    server, url = process_server()
    stall = subprocess.Popen(
        ["sh", "-c", f"sleep 5; kill -STOP {server.pid}; sleep 3; kill -CONT {server.pid}"]
    )
    figures = pacer(url, "--rate", "1000", "--connections", "10", "--duration", "15")
    stall.wait()
    assert figures["ok"] == figures["due"] == 15_000
    response, service = figures["response_us"]["percentiles"], figures["service_us"]["percentiles"]
    assert response["90"] == pytest.approx(1_500_000, rel=0.1)
    assert response["99"] == pytest.approx(2_850_000, rel=0.1)
    assert figures["response_us"]["max"] == pytest.approx(3_000_000, rel=0.1)
    assert service["99"] < 300_000
    assert figures["service_us"]["max"] == pytest.approx(3_000_000, rel=0.1)
    histogram = HdrHistogram.decode(figures["histograms"]["service_us"])
    slow = sum(
        item.count_at_value_iterated_to
        for item in histogram.get_recorded_iterator()
        if item.value_iterated_to > 2_000_000
    )
    assert 1 <= slow <= 10  # no more than there are connections


def test_a_generator_that_stalls_convicts_itself(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """Its load process stopped for 1.2 s of 3 s: what was due then is late by its own lag."""
    process = subprocess.Popen(
        [
            *command(answering(lambda _: OK)),
            *("--rate", "100", "--connections", "4", "--duration", "3", "--quiet"),
            *("--json", str(tmp_path / "p.json"), "--timeline", str(tmp_path / "t.csv")),
        ]
    )
    [pid] = _load_pids(process, 1)
    time.sleep(1)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1.2)
    os.kill(pid, signal.SIGCONT)
    assert process.wait(timeout=10) == 0
    figures = json.loads((tmp_path / "p.json").read_text())
    assert figures["ok"] == figures["due"] == 300
    assert figures["lag_us"]["max"] > 1_000_000
    assert figures["lag_us"]["percentiles"]["75"] > 100_000
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
    _load_pids(process, 2)
    time.sleep(1)
    process.send_signal(number)
    output, complaints = process.communicate(timeout=10)
    assert process.returncode == 130
    assert complaints == ""
    assert "INCOMPLETE" in output
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["complete"] is False
    assert 0 < figures["measured_s"] < 60
    assert figures["due"] == pytest.approx(100 * figures["measured_s"], abs=20)
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
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 130
    figures = json.loads(file.read_text())
    assert figures["complete"] is False
    assert (figures["due"], figures["measured_s"], figures["throughput_rps"]) == (0, 0, None)


def _load_pids(process: "subprocess.Popen[Any]", count: int) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(100):
        pids = [int(pid) for pid in children.read_text().split()]
        if len(pids) == count:
            return pids
        time.sleep(0.05)
    raise AssertionError("no load processes")


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
    time.sleep(1)
    os.kill(pids[0], signal.SIGKILL)
    _, complaints = process.communicate(timeout=10)
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
    time.sleep(0.5)
    process.kill()
    process.wait()
    for _ in range(100):
        if not any(_runs(pid) for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError("load processes are still there")


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
