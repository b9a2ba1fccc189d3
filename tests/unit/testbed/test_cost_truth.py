"""Known truths: servers that burn and sleep for each request cost what they themselves say.

Their own account (getrusage), right before each sample and right after it, leaves a range for what
telemetry's samples and the run's record make of it. So nothing depends on how fast or how busy the
machine is. Requests are due at a rate that would
load a core to so many percent; where the machine is slower than that, they come as they can.
"""

import csv
import math
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from analysis import cost as per_answer
from telemetry.cost import Used
from testbed.validity import Evidence, Expected, cost
from tests.unit.testbed.sound_run import LOAD, OUTPUT, QUIET, ROW, RUN

# Answers each line on a connection of its own thread; told 'used' it answers its CPU seconds
SERVER = """
import resource, socketserver, sys, time
burn_s, sleep_s = map(float, sys.argv[1:])
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            if line == b"used\\n":
                own = resource.getrusage(resource.RUSAGE_SELF)
                self.wfile.write(b"%.6f\\n" % (own.ru_utime + own.ru_stime))
                continue
            end = time.thread_time() + burn_s
            while time.thread_time() < end:
                pass
            time.sleep(sleep_s)
            self.wfile.write(b"ok\\n")
class Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 512
with Server(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""
ENOUGH_S = 0.8  # of CPU time: the kernel tells that of processes in ticks of 10 ms
# It tells two times, that of the program and its own for it, and leaves out the rest of a tick
ROUNDED_S = 2 / os.sysconf("SC_CLK_TCK")
LOADS_PERCENT = (20, 50, 90)  # of a core, which is all that one interpreter can use


@pytest.fixture
def serve():
    """Starts a server; its process id and its port."""
    started = []

    def serve(burn_ms, sleep_ms):
        command = [sys.executable, "-c", SERVER, str(burn_ms / 1000), str(sleep_ms / 1000)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return started[0].pid, int(started[0].stdout.readline())

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def ask(port, line, due_s=(0.0,)):
    """Ask over one connection, one after another, not before each is due; the last answer."""
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        connection.makefile("rb") as answers,
    ):
        for one_s in due_s:
            time.sleep(max(0.0, one_s - time.monotonic()))
            connection.sendall(line)
            answer = answers.readline()
    return answer


def schedules(burn_ms, sleep_ms, load_percent):
    """When the requests of each connection are due, so that enough CPU time is burnt."""
    apart_s = burn_ms / 1000 / (load_percent / 100)
    connections = 2 + math.ceil(1.5 * (burn_ms + sleep_ms) / 1000 / apart_s)
    each = math.ceil(1000 * ENOUGH_S / burn_ms / connections)
    begin_s = time.monotonic() + 0.2
    return [
        [begin_s + apart_s * (number + connections * turn) for turn in range(each)]
        for number in range(connections)
    ]


def record_of(folder, rows, answers):
    """The record of a run that these samples are of, with the cost that it comes to."""
    with (folder / "telemetry-server.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    took_s = rows[-1]["monotonic_s"] - rows[0]["monotonic_s"]
    goodput = answers / took_s
    changes = {
        "load": LOAD.model_copy(update={"duration_s": took_s + 2}),
        "output": OUTPUT.model_copy(update={"goodput_rps": goodput, "throughput_rps": goodput}),
        "measured_from": datetime.fromtimestamp(rows[0]["t_s"] - 1, UTC),
        "telemetry_interval_s": 0,
        "before": {"server": QUIET.model_copy(update={"clock_offset_s": 0.0})},
    }
    run = RUN.model_copy(update=changes)
    found = cost.of_run(Evidence(run, folder, Expected()))
    return run.model_copy(update={"cost": found})


@pytest.mark.parametrize("load_percent", LOADS_PERCENT)
@pytest.mark.parametrize("sleep_ms", [0, 50])
@pytest.mark.parametrize("burn_ms", [0.5, 2, 8])
def test_what_a_request_burns_is_recovered(serve, tmp_path, burn_ms, sleep_ms, load_percent):
    pid, port = serve(burn_ms, sleep_ms)
    probe = Used("app", pid)
    rows = []

    def sample():
        least_s, now = float(ask(port, b"used\n")), time.monotonic()
        rows.append(ROW | {"t_s": 1.8e9 + now, "monotonic_s": now} | probe.sample())
        return least_s, float(ask(port, b"used\n"))

    begin = sample()
    due = schedules(burn_ms, sleep_ms, load_percent)
    with ThreadPoolExecutor(len(due)) as pool:
        told = list(pool.map(lambda one: ask(port, b"go\n", one), due))
    end = sample()
    assert told == [b"ok\n"] * len(due)
    answers = sum(map(len, due))
    found = per_answer.of_run(record_of(tmp_path, rows, answers), "app_cpu_ms_per_answer").value
    own_s = (end[0] - begin[1] - ROUNDED_S, end[1] - begin[0] + ROUNDED_S)
    assert own_s[0] <= found * answers / 1000 <= own_s[1]
    assert found > 0.95 * burn_ms
