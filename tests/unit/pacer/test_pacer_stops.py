"""pacer keeps its schedule whoever stalls, and ends cleanly whoever ends it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from hdrh.histogram import HdrHistogram
from runs_of_pacer import (
    LOAD,
    LONG,
    OK,
    PATIENCE_S,
    UNDISTURBED,
    load_pids,
    stopped,
    wait_until,
    wait_until_connected,
)

# Of two processes, until it is stopped
SHARED = ("--rate", "100", "--connections", "4", "--processes", "2", *LONG, *UNDISTURBED)

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
    """The server is stopped for 2 s of 8 s at 500/s: what is due meanwhile waits until it goes on.

    That is between the whole stall and nothing. Service time shows the few that were under way.
    """
    server, url = process_server()
    file, stall_s = tmp_path / "p.json", 2
    options = ("--rate", "500", "--connections", "10", "--duration", "8", "--json", str(file))
    started = time.monotonic()
    process = subprocess.Popen([*command(url), *options, *UNDISTURBED], stdout=subprocess.DEVNULL)
    wait_until_connected(*load_pids(process, 1))
    stall = stopped(psutil.Process(server.pid), stall_s)
    assert process.wait(timeout=PATIENCE_S) == 0
    took_s = time.monotonic() - started
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["ok"] == figures["due"] == 4000
    for share in (0.1, 0.5, 0.9):
        waiting = due_before_the_end_of(stall, figures, by_s=share * stall_s)
        assert longer(figures, "response_us", share * stall_s) >= waiting
    # Each stall, and the machine may add some, is seen by one request of each connection
    assert longer(figures, "service_us", 0.9 * stall_s) <= 10 * took_s / (0.9 * stall_s)


def due_before_the_end_of(
    stall: tuple[float, float], figures: dict[str, Any], by_s: float
) -> float:
    """Return how many requests were due during a stall and so long, or longer, before its end."""
    origin = datetime.fromisoformat(figures["started_at"]).timestamp()
    begin = max(stall[0] - origin, 0)
    end = min(stall[1] - origin - by_s, figures["duration_s"])
    return max(0, (end - begin) * figures["rate_rps"] - 1)


def longer(figures: dict[str, Any], name: str, duration_s: float) -> int:
    """Return how many times there are of at least so long, but for the histogram's rounding."""
    return sum(
        item.count_at_value_iterated_to
        for item in HdrHistogram.decode(figures["histograms"][name]).get_recorded_iterator()
        if item.value_iterated_to >= duration_s * 1e6 * 0.999
    )


def test_a_generator_that_stalls_convicts_itself(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """Its load process stopped for 1.2 s of 6 s: what was due then is late by its own lag."""
    process = subprocess.Popen(
        [
            *command(answering(lambda _: OK)),
            *("--rate", "100", "--connections", "4", "--duration", "6", "--quiet", *UNDISTURBED),
            *("--json", str(tmp_path / "p.json"), "--timeline", str(tmp_path / "t.csv")),
        ]
    )
    [pid] = load_pids(process, 1)
    wait_until_connected(pid)
    stall = stopped(psutil.Process(pid), 1.2)
    assert process.wait(timeout=PATIENCE_S) == 0
    figures = json.loads((tmp_path / "p.json").read_text())
    assert figures["ok"] == figures["due"] == 600
    for lag_s in (0.1, 0.6, 1.1):
        lagging = due_before_the_end_of(stall, figures, by_s=lag_s)
        assert longer(figures, "lag_us", lag_s) >= lagging
    assert figures["late"] >= due_before_the_end_of(stall, figures, by_s=0.1)
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()[1:4]]
    assert [(row[0], row[2]) for row in rows] == [("0", "100"), ("1", "100"), ("2", "100")]


# --- being stopped --------------------------------------------------------------------------------


class Seconds:
    """A server's answers. A second request of a connection shows that the first was answered."""

    def __init__(self) -> None:
        self.connections = 0  # that have sent a second request

    def answer(self, exchange: Any) -> bytes:
        self.connections += exchange.turn == 2
        return OK

    def of_both_processes(self) -> bool:
        """Whether each of two processes, with two connections each, has read an answer."""
        return self.connections >= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted(
    answering: Answering,
    command: Callable[[str], list[str]],
    adds_up: Callable[[dict[str, Any]], None],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    file = tmp_path / "partial.json"
    began = time.monotonic()
    seconds = Seconds()
    process = subprocess.Popen(
        [*command(answering(seconds.answer)), *SHARED, "--json", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(seconds.of_both_processes, "answers to both processes")
    process.send_signal(number)
    output, complaints = process.communicate(timeout=PATIENCE_S)
    took_s = time.monotonic() - began
    assert process.returncode == 130
    assert complaints == ""
    assert "INCOMPLETE" in output
    figures = json.loads(file.read_text())
    adds_up(figures)
    assert figures["complete"] is False
    assert 0 < figures["measured_s"] < took_s
    # Load processes go on until they hear of it
    assert 100 * figures["measured_s"] - 2 <= figures["due"] <= 100 * took_s + 2
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
    wait_until_connected(*load_pids(process, 1))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 130
    figures = json.loads(file.read_text())
    assert figures["complete"] is False
    assert (figures["due"], figures["measured_s"], figures["throughput_rps"]) == (0, 0, None)


def test_a_load_process_that_dies_is_told(
    answering: Answering, command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "partial.json"
    seconds = Seconds()
    process = subprocess.Popen(
        [*command(answering(seconds.answer)), *SHARED, "--json", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = load_pids(process, 2)
    wait_until(seconds.of_both_processes, "answers to both processes")
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
    process = subprocess.Popen([*command(answering(lambda _: OK)), *SHARED])
    pids = load_pids(process, 2)
    wait_until_connected(*pids)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(_runs, pids)), "the end of the load processes")


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
