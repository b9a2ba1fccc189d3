"""Ask the running app one request at a time, and compare its answers with the expected ones."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from testbed.asked import answers, expectations, request
from testbed.hosts import causes, ports
from testbed.hosts.daemon import AppFailed, Daemon
from testbed.hosts.failures import CommandFailed, NotAnAnswer
from testbed.hosts.linkproof import LinkUnfit
from testbed.hosts.remote import Remote
from testbed.model.endpoint import Endpoint
from testbed.model.results import AnswerCheck, When

SLICE_S = 5  # time between two checks whether the app's unit still runs


@dataclass(frozen=True)
class Asker:
    """Asks an endpoint from the generating host.

    `url` is the app's without a path; `path` is that of the app's endpoint. `folder` is the folder
    of the workload. What is drawn follows from `seed`.
    """

    generating: Remote
    server: Remote
    daemon: Daemon
    url: str
    path: str
    endpoint: Endpoint
    folder: Path
    seed: int

    @property
    def template(self) -> request.Request:
        """Return the template of the endpoint's request."""
        return request.of(self.endpoint, self.path, self.folder)

    def wait_ready(self) -> answers.Answer:
        """Wait for the app's first answer and return it.

        Raises AppFailed if no answer comes in time, and LinkUnfit if only the server host itself
        can connect to the app.
        """
        return self._ask(self.endpoint, 0)

    def check_before(self, first: answers.Answer) -> list[AnswerCheck]:
        """Compare `first`, and the answers to all further exchanges, with the expected answers.

        Where right answers differ, some more are asked for. Return one check for each exchange.
        """
        return [
            self._check(self.endpoint, "before", first=first),
            *(
                self._check(self.endpoint.exchange(one), "before", one.description)
                for one in self.endpoint.also
            ),
        ]

    def check_after(self) -> AnswerCheck:
        """Check how the app answers after the load. The load's figures are kept in any case."""
        try:
            return self._check(self.endpoint, "after")
        except AppFailed as error:
            return AnswerCheck(
                when="after",
                ok=False,
                status=None,
                content_type=None,
                body_bytes=None,
                problem=error.what,
            )

    def _check(
        self,
        asked: Endpoint,
        when: When,
        what: str | None = None,
        first: answers.Answer | None = None,
    ) -> AnswerCheck:
        expected = expectations.read(self.folder, asked.expect)
        found = [] if first is None else [first]
        for number in range(len(found), request.least_answers(asked)):
            found.append(self._ask(asked, number))
        return answers.compare_all(found, expected, when, what)

    def _ask(self, asked: Endpoint, number: int) -> answers.Answer:
        """Return the app's answer to the request of that number; ask again until there is one.

        Raises AppFailed if no answer comes in time or the app's unit has ended.
        """
        drawn = request.drawn(asked.draw, self.seed, number)
        wanted = request.of(asked, self.path, self.folder).filled(drawn)
        begin = time.monotonic()
        while True:
            left_s = begin + self.daemon.start_timeout_s - time.monotonic()
            slice_s = max(1.0, min(SLICE_S, left_s))
            result = self.generating.run(
                self._command(wanted, slice_s), timeout_s=slice_s + 15, check=False
            )
            if result.code == 0:
                try:
                    return replace(answers.from_probe(result.stdout), drawn=drawn)
                except ValueError as error:
                    said = str(error).splitlines()[0]
                    raise NotAnAnswer(self.generating.host, "pacer-probe", said) from error
            if causes.of(result.code, "") == causes.MISSING:
                probe = self._command(wanted, slice_s)[0]
                raise CommandFailed(self.generating.host, probe, result.code, result.stderr)
            if (state := self.daemon.show()["ActiveState"]) != "active":
                raise self.daemon.failure(f"its unit is {state}")
            if problem := self._closed_port():
                raise problem
            waited_s = time.monotonic() - begin
            if waited_s > self.daemon.start_timeout_s:
                said = result.stderr.strip().rpartition("last error: ")[2] or "nothing came"
                url = f"{self.url}{wanted.path}"
                raise self.daemon.failure(
                    f"no answer from {url} in {waited_s:.0f} s: {said}; {self._listens()}"
                )

    def _listens(self) -> str:
        """Return in words where the app listens, and where it should if it does not."""
        wanted = urlsplit(self.url).netloc
        places = self.daemon.listening()
        said = f"it listens on {', '.join(places) or 'no TCP port'}"
        if any(ports.serves(place, wanted) for place in places):
            return said
        return f"{said}, and should on ${{ADDRESS}}:${{PORT}}, here {wanted}"

    def _closed_port(self) -> LinkUnfit | None:
        """Return the error to raise if a firewall closes the app's port, otherwise None.

        The port counts as closed by a firewall if the server host can connect and the other host
        cannot. The server host tries before and after, because an app that is still starting, or
        has a full listen queue, must not be mistaken for one behind a firewall.
        """
        server = self.server
        port = server.facts.testbed_app_port
        if self.generating.host.role == server.host.role or ports.connect(server, server, port):
            return None
        problem = ports.closed(self.generating, server, port, "testbed_app_port")
        return None if ports.connect(server, server, port) else problem

    def _command(self, wanted: request.Request, timeout_s: float) -> list[str]:
        return [
            f"{self.generating.facts.testbed_prefix}/bin/pacer-probe",
            f"--url={self.url}{wanted.path}",
            f"--timeout={timeout_s:g}",
            f"--method={wanted.method}",
            *([f"--header=Content-Type: {wanted.content_type}"] if wanted.content_type else []),
            *(f"--header={name}: {value}" for name, value in wanted.headers.items()),
            *([] if wanted.body is None else [f"--body={wanted.body}"]),
        ]
