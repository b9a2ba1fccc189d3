"""The other service, as a run starts it, on a port of the tests' own."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.unit.apps.cluster import free_port

REPOSITORY = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def running(*options: str, rows: Path | None = None) -> Iterator[str]:
    """Run it on loopback, until the block ends; its URL. `rows` gets what it tells of itself."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="testbed-upstream-") as folder:
        file = rows or Path(folder, "rows")
        command = [sys.executable, "-m", "upstream", str(file), "--address=127.0.0.1"]
        with subprocess.Popen(
            [*command, f"--port={port}", *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(60)
