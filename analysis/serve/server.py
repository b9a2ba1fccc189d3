"""Answer a browser on this machine, and nobody else.

The server listens on the loopback address only. A page of another site could still make the browser
ask it, under a name of that site that leads here (DNS rebinding), or with a picture's address. So
only names of this machine are answered, and no part of another site's page.
"""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from analysis.serve import pages, served
from analysis.serve.history import Histories
from analysis.serve.index import Index, name_of
from analysis.serve.reports import FOLDER, PAGE, Reports
from testbed import files
from testbed.errors import TestbedError

LOOPBACK = "127.0.0.1"
NAMES = ("localhost", LOOPBACK, "::1")  # that a browser may have asked for
HTML = "text/html; charset=utf-8"
MOST_KEYS = 200  # in an address
IDLE_S = 30  # after which a silent connection is closed


class Server(ThreadingHTTPServer):
    """The results folder on the loopback address; port 0 chooses a free one."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.index, self.histories, self.reports = Index(folder), Histories(), Reports()
        super().__init__((LOOPBACK, port), Handler)

    @property
    def address(self) -> str:
        """Return the address of the list."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that went away in the middle of an answer."""


class Handler(BaseHTTPRequestHandler):
    """One question of a browser. Only GET and HEAD are answered."""

    server: Server
    server_version = "testbed"
    sys_version = ""
    timeout = IDLE_S

    def do_GET(self) -> None:
        """Answer with the page or the file that is asked for, or with a page that says why not."""
        if why_not := self._why_not():
            self._send(HTTPStatus.FORBIDDEN, pages.message("Refused", [why_not]))
            return
        try:
            self._answer()
        except TestbedError as error:
            lines = [*error.message.splitlines(), *([error.remedy] if error.remedy else [])]
            self._send(HTTPStatus.NOT_FOUND, pages.message("This cannot be shown", lines))
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - the last resort, so that no traceback is shown
            told = f"Unexpected: {type(error).__name__}: {error}"
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, pages.message("This failed", [told]))

    do_HEAD = do_GET  # noqa: N815 - the names are those of http.server

    def _refuse(self) -> None:
        told = pages.message(
            "Refused", ["Only GET and HEAD are answered; nothing is changed here."]
        )
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, told, {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815

    def _why_not(self) -> str | None:
        """Return why the question is not answered at all; None if it is."""
        try:
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            name = None
        if name not in NAMES:
            return f"This server answers to {', '.join(NAMES)} only."
        site = self.headers.get("Sec-Fetch-Site", "none")
        if site == "cross-site" and self.headers.get("Sec-Fetch-Mode") != "navigate":
            return "This server gives nothing to pages of other sites."
        return None

    def _answer(self) -> None:
        server = self.server
        try:
            asked = urlsplit(self.path)
            query = parse_qs(asked.query, max_num_fields=MOST_KEYS)
        except ValueError as error:
            raise TestbedError(f"This is no address: {error}") from error
        match asked.path.split("/", 2)[1:]:
            case [""]:
                self._send(HTTPStatus.OK, pages.campaigns(server.index, query))
            case ["history"]:
                told = pages.of_figure(server.index, server.histories, query)
                self._send(HTTPStatus.OK, told)
            case ["compare"]:
                self._send(HTTPStatus.OK, pages.comparison(server.index, query))
            case ["report", name]:
                self._report(name)
            case ["results", name]:
                self._file(name_of(name))
            case _:
                raise TestbedError("There is no such page here.")

    def _report(self, name: str) -> None:
        """Lead to the report, or say that it is being made."""
        entry = self.server.index.find(name)
        if self.server.reports.is_ready(entry):
            place = {"Location": f"/results/{entry.address}/{FOLDER}/{PAGE}"}
            self._send(HTTPStatus.FOUND, "", place)
        else:
            self._send(HTTPStatus.ACCEPTED, pages.being_made(entry))

    def _file(self, name: str) -> None:
        path, kind = served.path_of(self.server.index.entries(), name)
        content = files.read(path, files.LARGEST_BYTES)
        own = kind.startswith("text/html")
        if own:
            content = served.with_way_home(content)
        policy = served.REPORT_POLICY if own else served.FILE_POLICY
        self._send(
            HTTPStatus.OK, content, {"Content-Type": kind, "Content-Security-Policy": policy}
        )

    def _send(
        self, status: HTTPStatus, content: str | bytes, headers: dict[str, str] | None = None
    ) -> None:
        body = content.encode("utf-8", "replace") if isinstance(content, str) else content
        told = {
            "Content-Type": HTML,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": "frame-ancestors 'none'",  # its page says the rest
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        self.send_response(status)
        for name, value in (told | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing of what was asked."""
