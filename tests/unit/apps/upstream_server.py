"""The other service, as a run starts it, on a port of the tests' own; and one that a test holds."""

import contextlib
import http.server
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
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


@contextlib.contextmanager
def held(may_answer: Callable[[], bool]) -> Iterator[str]:
    """Run one in this process that answers when `may_answer` returns, with 503 if False; its URL.

    It is called in a thread of its own for each request.
    """

    class Held(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not may_answer():
                self.send_error(503)
                return
            number = int(self.path.rpartition("=")[2])
            body = json.dumps({"id": number, "value": f"value of {number}"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Held) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
