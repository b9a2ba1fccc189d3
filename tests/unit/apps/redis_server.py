"""A throw-away Redis, so that the apps count in a real one."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.unit.apps.cluster import free_port, output

PASSWORD = "redispass"  # noqa: S105 - of a server that lives as long as the tests


def command(url: str, *words: str) -> str:
    """What the server answers to a command."""
    return output(["redis-cli", "--no-auth-warning", "-u", url, *words]).strip()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run a server on loopback, as the role sets it up; its URL."""
    assert shutil.which("redis-server"), "these tests need redis-server: apt install redis-server"
    port = free_port()
    url = f"redis://default:{PASSWORD}@127.0.0.1:{port}/0"
    with tempfile.TemporaryDirectory(prefix="testbed-redis-") as folder:
        log = Path(folder, "log")
        arguments = {
            **{"bind": "127.0.0.1", "port": str(port), "requirepass": PASSWORD},
            **{"save": "", "appendonly": "no", "dir": folder, "logfile": str(log)},
        }
        words = [word for name, value in arguments.items() for word in (f"--{name}", value)]
        with subprocess.Popen(["redis-server", *words]) as server:
            try:
                while "Ready to accept connections" not in _text(log):
                    assert server.poll() is None, f"Redis does not start: {_text(log)}"
                    time.sleep(0.05)
                yield url
            finally:
                server.terminate()


def _text(log: Path) -> str:
    return log.read_text() if log.exists() else ""
