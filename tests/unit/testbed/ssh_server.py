"""An SSH server in the test's own process, on loopback: a host, a jump host, or an adversary."""

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable

import paramiko


def shell(command: str, channel: paramiko.Channel) -> None:
    """Carry a command out as a host does."""
    # what is written to it comes from `cat >file` alone
    given = channel.makefile("rb").read() if command.startswith("cat >") else b""
    done = subprocess.run(["sh", "-c", command], input=given, capture_output=True, check=False)
    channel.sendall(done.stdout)
    channel.sendall_stderr(done.stderr)
    channel.send_exit_status(done.returncode)
    channel.close()


class Server(paramiko.ServerInterface):
    """Lets in who has one of the keys; does with commands what `acts` does."""

    def __init__(self, allowed: list[bytes], acts: Callable[[str, paramiko.Channel], None]) -> None:
        self.allowed, self.acts = allowed, acts
        self.users: list[str] = []
        self.forwards: list[tuple[str, int]] = []  # where to
        self.forwarding: dict[int, tuple[str, int]] = {}

    def check_auth_publickey(self, username, key):
        self.users.append(username)
        ok = key.asbytes() in self.allowed
        return paramiko.AUTH_SUCCESSFUL if ok else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, channel, *rest):
        return True

    def check_channel_exec_request(self, channel, command):
        def act():
            with contextlib.suppress(OSError, EOFError):  # the client may have had enough
                self.acts(command.decode(), channel)

        channel.get_transport().pending.append(act)
        return True

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        self.forwards.append(destination)
        self.forwarding[chanid] = destination
        return paramiko.OPEN_SUCCEEDED


class _Transport(paramiko.Transport):
    """Begins with a command when the client has been told that it will."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = 300
        self.pending = []

    def _send_user_message(self, data):
        super()._send_user_message(data)
        if data.asbytes()[0] == paramiko.common.MSG_CHANNEL_SUCCESS:
            while self.pending:
                threading.Thread(target=self.pending.pop(), daemon=True).start()


def _pump(channel, address):
    there = socket.create_connection(address)

    def copy(read, write, close):
        with contextlib.suppress(OSError):
            while data := read(65536):
                write(data)
        close()

    threading.Thread(target=copy, args=(there.recv, channel.sendall, channel.close)).start()
    copy(channel.recv, there.sendall, lambda: there.shutdown(socket.SHUT_WR))


@contextlib.contextmanager
def listening(server: Server, host_key: paramiko.PKey, address: str = "127.0.0.1"):
    """Serve on a free port of that address, which is given, until the block ends."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 0), family=family)
    transports = []

    def serve(transport):
        kept = []  # a channel that nobody has is closed, perhaps before the client asks for more
        while transport.is_active():
            channel = transport.accept(0.2)
            if channel is None:
                continue
            kept.append(channel)
            if channel.chanid in server.forwarding:
                address = server.forwarding.pop(channel.chanid)
                threading.Thread(target=_pump, args=(channel, address), daemon=True).start()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                transport = _Transport(connection)
                transports.append(transport)
                transport.add_server_key(host_key)
                # OSError too: a client that breaks off must not end the listening to others
                with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                    transport.start_server(server=server)
                    threading.Thread(target=serve, args=(transport,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for transport in transports:
            transport.close()
