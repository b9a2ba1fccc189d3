"""Control the app under test, which is a systemd unit on the server host."""

import re
import shlex
from typing import Any

from testbed.errors import Exit, RunFailed, TestbedError
from testbed.hosts import hosts, ports, remotes
from testbed.hosts.failures import CommandFailed, NotAnAnswer
from testbed.hosts.remote import Remote
from testbed.model.catalogue import CataloguedApp

PROPERTIES = (
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "NRestarts",
    "ExecMainStatus",
    "ExecMainStartTimestampMonotonic",
    "CPUUsageNSec",
    "TasksCurrent",
    "LimitNOFILE",
    "WorkingDirectory",
    "LoadState",
)


class AppFailed(RunFailed):
    """Raised if the app did not start, answer or stop."""

    def __init__(self, app: str, what: str, journal: str) -> None:
        lines = "".join(f"\n    {line}" for line in journal.strip().splitlines())
        super().__init__(
            f"app {app} on the server host: {what}" + (f"; its journal:{lines}" if lines else "")
        )
        self.what = what


class Daemon:
    """One app's unit. Every error that it raises shows the last lines of the unit's journal."""

    def __init__(self, server: Remote, app: CataloguedApp) -> None:
        self._server = server
        self._app = app

    def check_deployed(self) -> None:
        """Raise TestbedError unless exactly this version of the app is on the server host."""
        state = self.show("BindsTo")
        if state["LoadState"] != "loaded":
            problem = "is not deployed there"
        elif remotes.LEASE not in state["BindsTo"]:
            problem = "was deployed by another version of the testbed"
        elif self._app.digest not in state["WorkingDirectory"]:
            problem = f"differs from {self._app.folder}, which changed since"
        else:
            return
        raise TestbedError(
            f"server host: app {self._app.workload}/{self._app.name} {problem}",
            remedy="run `ansible-playbook site.yml` for this inventory, whose testbed_workloads "
            f"name {self._app.workload}",
            exit_code=Exit.NOT_READY,
        )

    def start(self, settings: dict[str, Any], address: str) -> int:
        """Start the app with these settings, bound to `address`, and return its main process id.

        Raises AppFailed if it does not start.
        """
        environment = {"ADDRESS": address} | {
            self._app.spec.settings[name].env: str(value) for name, value in settings.items()
        }
        lines = [f"{name}={value}" for name, value in environment.items()]
        start = ["sudo", "-n", *self._server.facts.start_app, self._app.unit]
        self._told("start", f"printf '%s\\n' {shlex.join(lines)} | {shlex.join(start)}")
        state = self.show()
        if state["ActiveState"] != "active":
            raise self.failure("it ended right after its start")
        if not re.fullmatch(r"[1-9]\d{0,9}", pid := state["MainPID"]):
            raise self.failure(f"systemd names no process of it, but MainPID={pid}")
        return int(pid)

    def stop(self) -> None:
        """Stop the app. Raises AppFailed if it cannot be stopped."""
        self._told("stop", ["sudo", "-n", "systemctl", "stop", self._app.unit])
        # A unit that died or was killed would stay marked as failed on the host. For any other
        # unit there is nothing to reset, and systemctl says so with an error.
        self._server.run(["sudo", "-n", "systemctl", "reset-failed", self._app.unit], check=False)

    def show(self, *more: str) -> dict[str, str]:
        """Return what systemd says of the unit: PROPERTIES and `more`, by name."""
        lines = self._server.run(
            ["systemctl", "show", self._app.unit, *(f"-p{name}" for name in (*PROPERTIES, *more))]
        ).stdout.splitlines()
        shown = dict(line.split("=", 1) for line in lines if "=" in line)
        if missing := [name for name in PROPERTIES if name not in shown]:
            problem = f"it does not print {', '.join(missing)}"
            raise NotAnAnswer(self._server.host, f"systemctl show {self._app.unit}", problem)
        return shown

    @property
    def start_timeout_s(self) -> float:
        """How long the app may take until its first answer."""
        return self._app.spec.start_timeout_s

    def listening(self) -> list[str]:
        """Return where the app listens for TCP, as '127.0.0.1:8000'; an empty list if nowhere."""
        return ports.listening(self._server, self.show()["MainPID"])

    def failure(self, what: str) -> AppFailed:
        """Return the error for `what`, with the last lines that this start of it logged."""
        journal = hosts.journal(self._server, self._app.unit)
        return AppFailed(f"{self._app.workload}/{self._app.name}", what, journal)

    def _told(self, verb: str, command: list[str] | str) -> None:
        try:
            self._server.run(command, timeout_s=60)
        except CommandFailed as error:
            if (
                error.remedy
            ):  # an error with a remedy is not the app's fault, such as missing rights of systemctl
                raise
            raise self.failure(error.output.strip() or f"systemctl {verb} failed") from error
