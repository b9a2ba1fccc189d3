"""What pacer itself runs out of, files or ports, is told, and is no error of the server."""

import asyncio
import contextlib
import errno
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs_of_pacer import LONG, OK, UNDISTURBED, interrupted_after, load_pids, wait_until

from pacer.closed_loop import ClosedLoop
from pacer.opening import Opener
from pacer.options import parse
from pacer.plan import split
from pacer.tally import Tally

LOAD = ("--rate", "100", "--connections", "4", "--duration", "0.5", *UNDISTURBED)


async def _never_closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await reader.read()  # until the other side closes


@pytest.mark.parametrize("kind", [("--rate", "400"), ("--closed",)])
def test_too_few_open_files_are_no_errors_of_the_server(
    serve: Callable[..., str], command: Callable[[str], list[str]], tmp_path: Path, kind: Any
) -> None:
    """They are used up when those that it has become the most that it may have."""
    file = tmp_path / "pacer.json"
    open_now = opened = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, opened
        opened, open_now = opened + 1, open_now + 1
        try:
            await _never_closes(reader, writer)
        finally:
            open_now -= 1

    load = (*kind, "--connections", "10", "--no-keepalive", *LONG, *UNDISTURBED)

    def no_more(process: "subprocess.Popen[str]") -> None:
        (pid,) = load_pids(process, 1)
        wait_until(lambda: opened > 10, "requests")
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (5, hard))
        wait_until(lambda: open_now == 0, "no connection is left, and none could be opened")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))  # it needs some to end

    words = [*command(serve(handler)), *load, "--json", str(file)]
    result = interrupted_after(words, no_more)
    assert result.returncode == 130, result.stderr
    figures = json.loads(file.read_text())
    assert sum(figures["errors"].values()) == 0
    (problem,) = figures["problems"]
    count = int(problem.partition(" requests could not be sent")[0])
    assert 0 < count <= figures["unsent"]  # some may have waited when it was interrupted
    assert "open files" in problem
    assert "EMFILE" in problem
    assert problem in result.stdout


def test_no_free_port_is_no_error_of_the_server(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says is what counts: ports cannot be used up here without harm to others."""

    async def no_port(_: Opener, __: asyncio.Protocol) -> int:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))

    monkeypatch.setattr(Opener, "open", no_port)
    words = ["--url", "http://127.0.0.1:1/", "--closed", "--connections", "3", *LONG]
    (plan,) = split(parse(words), [("127.0.0.1", 1)])
    total = Tally()

    async def run() -> None:
        loop = ClosedLoop(plan, lambda frame: total.add(frame.tally))
        loop.start(time.monotonic_ns())
        while total.limits[errno.EADDRNOTAVAIL] < 6:
            await asyncio.sleep(0.01)
        loop.stop()

    asyncio.run(run())
    assert total.due == total.unsent == total.limits[errno.EADDRNOTAVAIL] >= 6
    assert total.errors == 0
    assert total.balanced
