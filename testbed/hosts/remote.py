"""Run commands and copy files on a host over SSH. All access to a host goes through here.

A host is not trusted: what it sends is limited in size and time, and its files are stored under
names that this side chooses.
"""

import shlex
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import paramiko
from fabric import Config, Connection
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from testbed.hosts import causes, ssh_login
from testbed.hosts.failures import CommandFailed, HostUnreachable, NotAnAnswer, TooMuch
from testbed.hosts.process import KEPT_BYTES, Process, outlived
from testbed.hosts.ssh_config import Route, resolve
from testbed.model.inventory import Facts, Host
from testbed.numbers import written_out
from testbed.texts import plain

BANNER_TIMEOUT_S = 30  # until the host's SSH server sends its banner, perhaps through jump hosts
CHANNEL_TIMEOUT_S = 10  # until the host opens a session; paramiko's own limit is an hour
STALL_S = 30  # the longest time without a byte or a reply
DRAIN_S = 2  # for the rest of the output after a command has ended

# The most that a command may print. The largest regular outputs are an app's page in base64, a
# journal, and the versions of a few thousand packages: a few MB.
OUTPUT_BYTES = 32 * 2**20
# The most that all files of a run from one host may have: twice as much as the largest file.
FETCHED_BYTES = 128 * 2**20
TRANSFER_S = 600  # for one file, however slowly its bytes arrive
LARGEST_NUMBER = 1e19  # bytes, nanoseconds and calls are below 2^63
NAMED = 10  # the most unexpected files that a remark names

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What a finished command returned and printed."""

    code: int
    stdout: str
    stderr: str


class Remote:
    """One host, logged in to as the unprivileged testbed user."""

    def __init__(self, host: Host, facts: Facts) -> None:
        self.host = host
        self.facts = facts
        self._lost: HostUnreachable | None = None  # once the host is lost, nothing more is tried
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None
        self._proxy: ssh_login.Proxy | None = None

    def open(self) -> None:
        """Connect. Raises HostUnreachable, or TestbedError if SSH's settings are wrong."""
        route = resolve(self.host, self.facts.testbed_user)
        keys = ssh_login.Keys(route)
        try:
            self._connect(route, keys)
        except paramiko.AuthenticationException as error:
            raise self._unreachable(keys.refusal(self.host.name)) from error
        except paramiko.BadHostKeyException as error:
            raise self._unreachable(
                ssh_login.Refused(
                    f"its host key ({error.key.fingerprint}) is another one than in "
                    + ", ".join(map(str, route.known_hosts)),
                    f"if the host was set up anew: `ssh-keygen -R '{route.host_key_names[0]}'`, "
                    "and log in to it once by hand",
                )
            ) from error
        except (OSError, paramiko.SSHException, EOFError) as error:
            said = self._proxy.said() if self._proxy else ""
            refused = isinstance(error, ssh_login.Refused)
            raise self._unreachable(said if said and not refused else error) from error

    def _connect(self, route: Route, keys: ssh_login.Keys) -> None:
        known = [] if route.new_keys == "any" else ssh_login.known_host_keys(route)
        if route.proxy_command:
            self._proxy = ssh_login.Proxy(route.proxy_command)
            self._socket = self._proxy.socket
        else:
            self._socket = ssh_login.straight(route)
        self._connection = Connection(
            route.hostname,
            user=route.user,
            port=route.port,
            config=Config(
                overrides={"load_ssh_configs": False}
            ),  # `ssh -G` has read these files already
            connect_kwargs={
                "sock": self._socket,
                "auth_strategy": keys,
                "banner_timeout": BANNER_TIMEOUT_S,
                "channel_timeout": CHANNEL_TIMEOUT_S,
            },
        )
        ssh_login.expect_host_key(self._connection.client, route, known)
        self._connection.open()

    def check_alive(self, timeout_s: float) -> None:
        """Raise HostUnreachable unless the host answers in time.

        A lost host stays lost: nothing waits for it again, so that its campaign ends soon.
        """
        try:
            self.run("true", timeout_s=timeout_s)
        except CommandFailed as error:
            raise self._unreachable(f"no sign of life for {timeout_s:g} s") from error

    def _unreachable(self, cause: Exception | str) -> HostUnreachable:
        """Return the error; from now on the host counts as lost."""
        said = str(cause) or type(cause).__name__
        self._lost = HostUnreachable(
            self.host, cause if isinstance(cause, ssh_login.Refused) else plain(said)
        )
        self.close()
        return self._lost

    def close(self) -> None:
        """Disconnect. Commands that still run there on a terminal are hung up."""
        if self._connection:
            self._connection.client.close()  # fabric's own `close` leaves a half-open connection
            self._connection = None
        if self._socket:
            self._socket.close()
            self._socket = None
        if self._proxy:
            self._proxy.close()
            self._proxy = None

    def _session(self, line: str, *, terminal: bool = False) -> paramiko.Channel:
        """Return a session in which the command was started. Raises HostUnreachable."""
        if self._lost:
            raise self._lost
        if self._connection is None:
            raise self._unreachable("it was never opened")
        try:
            transport: Any = self._connection.transport
            with _replying(transport):
                channel: paramiko.Channel = transport.open_session()
                channel.settimeout(STALL_S)
                if terminal:
                    channel.get_pty()
                channel.exec_command(line)
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        return channel

    def run(
        self, command: Sequence[str] | str, *, timeout_s: float = 60, check: bool = True
    ) -> Result:
        """Run a command to its end and return its result.

        Raises HostUnreachable. Raises CommandFailed if the command takes longer than `timeout_s`,
        prints more than OUTPUT_BYTES or, with `check`, ends with an exit code other than 0.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        code, stdout, stderr = self._carry_out(line, timeout_s)
        done = Result(code, stdout.decode(errors="replace"), stderr.decode(errors="replace"))
        if check and done.code != 0:
            raise CommandFailed(self.host, line, done.code, done.stderr or done.stdout)
        return done

    def _carry_out(
        self, line: str, timeout_s: float, *, limit: int = OUTPUT_BYTES, given: bytes | None = None
    ) -> tuple[int, bytes, bytes]:
        """Return a command's exit code, standard output and standard error; `given` is its input.

        Raises HostUnreachable. Raises CommandFailed if it takes too long or prints more than
        `limit` bytes.
        """
        channel = self._session(line)
        try:
            if given is not None:
                with _replying(channel.get_transport()):
                    channel.sendall(given)
                    channel.shutdown_write()
            stdout, stderr = self._outputs(channel, line, timeout_s, limit)
            code = channel.recv_exit_status()
        except (OSError, paramiko.SSHException, EOFError) as error:
            raise self._unreachable(error) from error
        finally:
            channel.close()
        if code == causes.KILLED and not outlived(channel):
            raise self._unreachable(f"it broke during `{line}`")
        return code, stdout, stderr

    def _outputs(
        self, channel: paramiko.Channel, line: str, timeout_s: float, limit: int
    ) -> tuple[bytes, bytes]:
        """Return standard output and standard error of a command that has been started."""
        stdout, stderr = bytearray(), bytearray()
        # Not select(): it takes a pipe, into which paramiko's thread may write after `close` has
        # closed it, and that thread, and with it the connection, would end
        arrived = threading.Event()
        channel.in_buffer.set_event(arrived)
        channel.in_stderr_buffer.set_event(arrived)
        deadline = time.monotonic() + timeout_s
        while True:
            ended = channel.exit_status_ready()
            if ended:  # a program that it started may keep its output open
                deadline = min(deadline, time.monotonic() + DRAIN_S)
            left_s = deadline - time.monotonic()
            if left_s <= 0 and not ended:
                raise CommandFailed(self.host, line, None, f"no end after {timeout_s:g} s")
            if ended and left_s <= 0:
                return bytes(stdout), bytes(stderr)
            if channel.recv_ready():
                stdout += channel.recv(65536)
            elif channel.recv_stderr_ready():
                stderr += channel.recv_stderr(65536)
            elif ended and (channel.eof_received or channel.closed):
                return bytes(stdout), bytes(stderr)
            elif channel.eof_received:
                channel.status_event.wait(min(left_s, 1))
            else:
                arrived.wait(min(left_s, 1))
            if len(stdout) + len(stderr) > limit:
                raise TooMuch(self.host, line, None, f"it prints more than {limit} bytes")

    def start(self, command: Sequence[str] | str) -> Process:
        """Start a command that goes on in the background. Raises HostUnreachable."""
        line = command if isinstance(command, str) else shlex.join(command)
        return Process(self.host, line, self._session(line, terminal=True))

    def write(self, path: str, text: str) -> None:
        """Write a small text file. Raises CommandFailed or HostUnreachable."""
        line = f"cat >{shlex.quote(path)}"
        code, _, stderr = self._carry_out(line, STALL_S, given=text.encode())
        if code != 0:
            said = stderr.decode(errors="replace")
            raise CommandFailed(self.host, f"write {path}", code, said)

    def fetch(self, folder: str, expected: Mapping[str, int], target: Path) -> list[str]:
        """Copy those of the expected files that a remote folder has into `target`.

        `expected` maps plain file names to the most bytes that each file may have; nothing else is
        copied. Returns a remark on each file that was left there. Raises CommandFailed or
        HostUnreachable.
        """
        listing = ["find", folder, "-mindepth", "1", "-maxdepth", "1", "-printf", "%y %f\\0"]
        code, found, said = self._carry_out(shlex.join(listing), STALL_S, limit=KEPT_BYTES)
        if code != 0:
            raise CommandFailed(self.host, f"list {folder}", code, said.decode(errors="replace"))
        kinds = {
            name: kind
            for kind, _, name in (
                entry.partition(" ") for entry in found.decode(errors="replace").split("\0")
            )
            if name
        }
        remarks, left = [], FETCHED_BYTES
        for name in expected:
            if kinds.get(name) == "f":
                limit = min(expected[name], left)
                size = self._fetch(f"{folder}/{name}", limit, target / name)
                left -= size or 0
                if size is None:
                    remarks.append(f"{name}: larger than {limit} bytes")
            elif name in kinds:
                remarks.append(f"{name}: not a regular file")
        strays = sorted(kinds.keys() - expected.keys())
        remarks += [f"{plain(name)[:100]}: not a file of a run" for name in strays[:NAMED]]
        if len(strays) > NAMED:
            remarks.append(f"{len(strays) - NAMED} more that are not files of a run")
        return remarks

    def _fetch(self, path: str, limit: int, target: Path) -> int | None:
        """Copy one file and return its size, or None if it is larger than `limit` bytes.

        Symbolic links are not followed. Bytes are counted as they are read, because the size that a
        host reports is not trusted.
        """
        line = shlex.join(["dd", f"if={path}", "iflag=nofollow,nonblock", "bs=64K", "status=none"])
        try:
            code, content, said = self._carry_out(line, TRANSFER_S, limit=limit)
        except TooMuch:
            return None
        if code != 0:
            raise CommandFailed(self.host, f"fetch {path}", code, said.decode(errors="replace"))
        target.write_bytes(content)
        return len(content)


@contextmanager
def _replying(transport: Any) -> Iterator[None]:
    """Break the connection, and raise SSHException, if the block takes longer than STALL_S.

    paramiko waits without end for the reply to some requests, such as that to begin a command, and
    for a connection to take what is written. A host that is lost at that moment sends nothing more.
    """
    late = threading.Event()

    def give_up() -> None:
        late.set()
        transport.close()

    watch = threading.Timer(STALL_S, give_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    except (OSError, paramiko.SSHException, EOFError) as error:
        if late.is_set():
            raise paramiko.SSHException(f"no reply within {STALL_S} s") from error
        raise
    finally:
        watch.cancel()


def ask(remote: Remote, command: Sequence[str] | str, shape: type[T]) -> T:
    """Return the JSON document that a command on a host prints, checked to be of type `shape`.

    Raises CommandFailed or HostUnreachable, and NotAnAnswer for any other output.
    """
    line = command if isinstance(command, str) else shlex.join(command)
    text = remote.run(command).stdout
    try:
        document = from_json(text)  # refuses documents that are nested more than 200 levels deep
        _check_numbers(document)
        return TypeAdapter(shape).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = f"{'.'.join(map(str, first['loc'][:5]))}: {first['msg']}".removeprefix(": ")
    except ValueError as error:
        problem = f"it is no JSON: {error}"
    raise NotAnAnswer(remote.host, line, problem[:300])


def _check_numbers(document: Any) -> None:
    """Raise ValueError for a number that no host can mean, such as infinity or NaN."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        for one in document:
            _check_numbers(one)
    elif isinstance(document, int | float) and not abs(document) < LARGEST_NUMBER:
        raise ValueError(f"a number beyond {written_out(LARGEST_NUMBER)}")
