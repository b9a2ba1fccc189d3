"""Run a load process, `python -m pacer.worker`. Only the control process starts it.

Its standard input is the plan, in one line, and, after it has sent the frame 'ready', the time at
which the measured part starts, in one line, by the monotonic clock. When standard input ends, the
process stops, so that no load goes on without a control process. It writes frames to standard
output.
"""

import asyncio
import gc
import signal
import sys
from typing import Any

import uvloop

from pacer.closed_loop import ClosedLoop
from pacer.generator import Generator
from pacer.open_loop import OpenLoop
from pacer.plan import Plan
from pacer.tally import Frame


class _Orders(asyncio.Protocol):
    """Reads standard input."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._line = b""

    def data_received(self, data: bytes) -> None:
        self._line += data
        if self._line.endswith(b"\n"):
            self._generator.start(int(self._line))
            self._line = b""

    def connection_lost(self, exc: Exception | None) -> None:
        self._generator.stop()


class _Output(asyncio.BaseProtocol):
    """Writes standard output; `closed` is done once everything has been written."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


async def work(plan: Plan) -> None:
    """Carry out the plan, with orders from standard input and frames to standard output."""
    loop = asyncio.get_running_loop()
    pipe, output = await loop.connect_write_pipe(_Output, sys.stdout.buffer)
    loop_of = ClosedLoop if plan.rate_rps is None else OpenLoop
    generator: Generator = loop_of(plan, lambda frame: pipe.write(frame.encode()))
    failures: list[str] = []

    def unexpected(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):
            return  # an error of a socket, which its connection handles
        failures.append(f"{context['message']}: {error!r}")
        generator.stop()

    loop.set_exception_handler(unexpected)
    await loop.connect_read_pipe(lambda: _Orders(generator), sys.stdin.buffer)
    pipe.write(Frame("ready").encode())
    gc.collect()
    gc.freeze()  # so the collector skips objects that live as long as the run
    await asyncio.wait([generator.finished, output.closed], return_when=asyncio.FIRST_COMPLETED)
    generator.stop()
    pipe.close()
    await output.closed
    if failures:
        sys.exit(f"pacer: internal error: {failures[0]}")


def main() -> None:
    """Run as a load process."""
    # Ctrl-C is for the control process, which then ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = Plan.decode(sys.stdin.buffer.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(plan))


if __name__ == "__main__":
    main()
