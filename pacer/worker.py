"""A load process: `python -m pacer.worker`, started by the control process only.

Standard input: the plan, one line; then, after the frame 'ready', the start of the measured part by
the monotonic clock, one line; its end means stop, so that no load goes on without a control
process. Standard output: frames.
"""

import asyncio
import gc
import signal
import sys
from typing import Any

import uvloop

from pacer.generator import Generator
from pacer.plan import Plan
from pacer.tally import Frame


class _Orders(asyncio.Protocol):
    """Standard input."""

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
    """Standard output; `closed` is done once everything has been handed over."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(None)


async def work(plan: Plan) -> None:
    """Carry the plan out between standard input and standard output."""
    loop = asyncio.get_running_loop()
    pipe, output = await loop.connect_write_pipe(_Output, sys.stdout.buffer)
    generator = Generator(plan, lambda frame: pipe.write(frame.encode()))
    failures: list[str] = []

    def unexpected(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):
            return  # of a socket; its connection is told, too
        failures.append(f"{context['message']}: {error!r}")
        generator.stop()

    loop.set_exception_handler(unexpected)
    await loop.connect_read_pipe(lambda: _Orders(generator), sys.stdin.buffer)
    pipe.write(Frame("ready").encode())
    gc.collect()
    gc.freeze()  # what lives as long as the run need not be looked through again and again
    await asyncio.wait([generator.finished, output.closed], return_when=asyncio.FIRST_COMPLETED)
    generator.stop()
    pipe.close()
    await output.closed
    if failures:
        sys.exit(f"pacer: internal error: {failures[0]}")


def main() -> None:
    """Run as a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the control process decides
    plan = Plan.decode(sys.stdin.buffer.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(plan))


if __name__ == "__main__":
    main()
