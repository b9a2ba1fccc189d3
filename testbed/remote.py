"""Commands and files on a host, over SSH. Everything that reaches a host goes through here."""

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import paramiko
from fabric import Connection
from invoke.exceptions import CommandTimedOut

from testbed import causes
from testbed.errors import Exit, TestbedError
from testbed.inventory import Facts, Host

CONNECT_TIMEOUT_S = 10
TRANSFER_TIMEOUT_S = 30  # without a byte
POLL_S = 0.05
SETTLE_S = 0.2  # until a broken connection is known as one
INTERRUPT = "\x03"


class HostUnreachable(TestbedError):
    """No SSH connection could be made, or it broke."""

    def __init__(self, host: Host, cause: Exception | str) -> None:
        super().__init__(
            f"{host.role} host at {host.ansible_host}: no SSH connection: {cause}",
            remedy="is it up? lab: `fab lab.status`; real hosts: ansible_host in the inventory",
            exit_code=Exit.NOT_READY,
        )


class CommandFailed(TestbedError):
    """A command on a host ended with an error: shows host, command and its last lines."""

    def __init__(self, host: Host, command: str, code: int | None, output: str) -> None:
        tail = "\n".join(f"    {line}" for line in output.strip().splitlines()[-12:])
        cause = causes.of(code, output)
        what = f"{cause.what}: command" if cause else "command"
        super().__init__(
            f"{host.role} host: {what} failed (exit {code}): {command}\n{tail}".rstrip(),
            remedy=cause.remedy if cause else None,
            exit_code=Exit.NOT_READY,
        )
        self.code = code
        self.output = output


@dataclass(frozen=True)
class Result:
    """What a finished command left."""

    code: int
    stdout: str
    stderr: str


class Process:
    """A command that goes on in the background on a host, on a terminal of its own.

    The terminal is what makes it end with us: if this program dies, the connection closes, and
    the host's kernel hangs the command up.
    """

    def __init__(self, host: Host, command: str, channel: paramiko.Channel) -> None:
        self.host = host
        self.command = command
        self._channel = channel
        self._output = b""

    def poll(self) -> int | None:
        """The exit code, or None while it runs; causes.KILLED if a signal ended it.

        Raises HostUnreachable if the connection broke.
        """
        while self._channel.recv_ready():
            self._output += self._channel.recv(65536)
        if self._channel.exit_status_ready():
            code = self._channel.recv_exit_status()
            if code == causes.KILLED and not self._still_connected():
                raise HostUnreachable(self.host, f"it broke during `{self.command}`")
            return code
        transport = self._channel.get_transport()
        if transport is None or not transport.is_active():
            raise HostUnreachable(self.host, f"it broke during `{self.command}`")
        return None

    def _still_connected(self) -> bool:
        """Whether the connection outlived the command; a broken one is noticed a little later."""
        time.sleep(SETTLE_S)
        transport = self._channel.get_transport()
        return transport is not None and transport.is_active()

    def wait(self, timeout_s: float) -> int | None:
        """Wait until it ends; its exit code, or None if it still runs after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while (code := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return code

    def stop(self, timeout_s: float = 5) -> None:
        """Interrupt it as Ctrl-C would; hang it up if that does not end it."""
        try:
            for wait_s in (1, timeout_s):  # twice: the first may come before it is listened to
                if self.poll() is None:
                    self._channel.send(INTERRUPT.encode())
                    self.wait(wait_s)
        except (HostUnreachable, OSError):
            pass  # the connection is gone, and the command with it
        finally:
            self._channel.close()

    @property
    def output(self) -> str:
        """What it printed on its terminal so far."""
        return self._output.decode(errors="replace").replace("\r\n", "\n")


class Remote:
    """One host, logged in to as the unprivileged testbed user."""

    def __init__(self, host: Host, facts: Facts) -> None:
        self.host = host
        self.facts = facts
        self._lost: HostUnreachable | None = None  # once lost, nothing more is tried
        key = host.ansible_ssh_private_key_file
        # fabric extends a list of key files that is there; None would be no list
        keys = {"key_filename": [str(Path(key).expanduser())]} if key else {}
        self._connection = Connection(
            host.ansible_host,
            user=facts.testbed_user,
            port=host.ansible_port,
            connect_timeout=CONNECT_TIMEOUT_S,
            connect_kwargs={**keys, "look_for_keys": not keys},
        )
        client: Any = self._connection.client
        client.load_system_host_keys()
        if host.known_hosts and host.known_hosts.exists():
            client.load_system_host_keys(str(host.known_hosts))
        client.set_missing_host_key_policy(paramiko.RejectPolicy())

    def open(self) -> None:
        """Connect. Raises HostUnreachable."""
        try:
            self._connection.open()
            transport: Any = self._connection.transport
            transport.channel_timeout = CONNECT_TIMEOUT_S  # paramiko's own is an hour
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error

    def check_alive(self, timeout_s: float) -> None:
        """Raise HostUnreachable unless the host answers in time.

        A host that was lost once stays lost: nothing else is waited for, so that a campaign whose
        host is gone ends soon.
        """
        try:
            self.run("true", timeout_s=timeout_s)
        except CommandFailed as error:
            raise self._unreachable(f"no sign of life for {timeout_s:g} s") from error

    def _unreachable(self, cause: Exception | str) -> HostUnreachable:
        """The host counts as lost from now on."""
        self._lost = HostUnreachable(self.host, str(cause) or type(cause).__name__)
        self._connection.close()
        return self._lost

    def _check_not_lost(self) -> None:
        if self._lost:
            raise self._lost

    def close(self) -> None:
        """Disconnect; what still runs there on a terminal of ours is hung up."""
        self._connection.close()

    def run(
        self, command: Sequence[str] | str, *, timeout_s: float = 60, check: bool = True
    ) -> Result:
        """Run a command to its end.

        Raises HostUnreachable, and with `check` CommandFailed if its exit code is not 0.
        """
        self._check_not_lost()
        line = command if isinstance(command, str) else shlex.join(command)
        try:
            done = self._connection.run(
                line, hide=True, warn=True, in_stream=False, timeout=timeout_s
            )
        except CommandTimedOut as error:
            raise CommandFailed(self.host, line, None, f"no end after {timeout_s} s") from error
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        if check and done.exited != 0:
            raise CommandFailed(self.host, line, done.exited, done.stderr or done.stdout)
        return Result(done.exited, done.stdout, done.stderr)

    def start(self, command: Sequence[str] | str) -> Process:
        """Start a command that goes on in the background. Raises HostUnreachable."""
        self._check_not_lost()
        line = command if isinstance(command, str) else shlex.join(command)
        try:
            self._connection.open()
            transport: Any = self._connection.transport
            channel = transport.open_session()
            channel.get_pty()
            channel.exec_command(line)
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        return Process(self.host, line, channel)

    def write(self, path: str, text: str) -> None:
        """Write a small file. Raises CommandFailed or HostUnreachable."""
        self._check_not_lost()
        try:
            self._connection.put(BytesIO(text.encode()), path)
        except (paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        except OSError as error:
            raise CommandFailed(self.host, f"write {path}", None, str(error)) from error

    def fetch_folder(self, path: str, target: Path) -> list[Path]:
        """Copy the files of a remote folder (not its subfolders) into `target`.

        Raises CommandFailed or HostUnreachable.
        """
        self._check_not_lost()
        target.mkdir(parents=True, exist_ok=True)
        try:
            sftp = self._connection.sftp()
            sftp.get_channel().settimeout(TRANSFER_TIMEOUT_S)
            names = sorted(sftp.listdir(path))
            for name in names:
                sftp.get(f"{path}/{name}", str(target / name), prefetch=True)
        except (paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        except OSError as error:
            raise CommandFailed(self.host, f"fetch {path}", None, str(error)) from error
        return [target / name for name in names]
