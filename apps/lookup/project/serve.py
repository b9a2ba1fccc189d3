"""Start the app's server, and nginx before it and PgBouncer behind it if the settings say so.

All run as the app's user, and what they write lies in a folder that goes with them.
"""

import os
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

BIN = Path(sys.executable).parent
NGINX, PGBOUNCER = "/usr/sbin/nginx", "/usr/sbin/pgbouncer"
PGBOUNCER_PORT = "6432"  # part of its socket's name only: it listens on no address
CHOICES = {
    "PROXY": ("none", "nginx"),
    "POOLER": ("none", "pgbouncer"),
    "DATABASE_ACCESS": ("connection_per_request", "pool"),
}
BACKLOG = "2048"  # Gunicorn's default, and uvicorn's

Command = list[str]


def gunicorn(socket: str | None) -> Command:
    """Return Gunicorn's command line, at the app's address or at a Unix socket."""
    at = f"unix:{socket}" if socket else f"{os.environ['ADDRESS']}:{os.environ['PORT']}"
    return [
        *(f"{BIN}/gunicorn", "--bind", at, "--backlog", BACKLOG),
        *("--workers", os.environ["WORKERS"], "--worker-class", os.environ["WORKER_CLASS"]),
        *("--threads", os.environ["THREADS"], "--keep-alive", os.environ["KEEPALIVE_S"]),
        *("--graceful-timeout", "3", "--worker-tmp-dir", "/dev/shm"),  # noqa: S108 - no disk
        *("--no-control-socket", os.environ["APP"]),
    ]


def uvicorn(socket: str | None) -> Command:
    """Return uvicorn's command line, at the app's address or at a Unix socket."""
    tcp = ("--host", os.environ["ADDRESS"], "--port", os.environ["PORT"])
    return [
        *(f"{BIN}/uvicorn", *(("--uds", socket) if socket else tcp), "--backlog", BACKLOG),
        *("--workers", os.environ["WORKERS"], "--loop", "uvloop", "--http", "httptools"),
        *("--timeout-keep-alive", os.environ["KEEPALIVE_S"], "--timeout-graceful-shutdown", "3"),
        *(("--header", "Connection:close") if os.environ["KEEPALIVE_S"] == "0" else ()),
        *("--no-access-log", os.environ["APP"]),
    ]


def pgbouncer(folder: Path) -> Command:
    """Return PgBouncer's command line, after its configuration is written, and have the app ask it.

    It lends a session for the time of a transaction, to whoever reaches its socket, which is in a
    folder of this user's.
    """
    url = conninfo_to_dict(os.environ["DATABASE_URL"])
    server = " ".join(
        f"{key}='{url[given]}'"
        for key, given in (("host", "host"), ("port", "port"), ("user", "user"),
                           ("password", "password"), ("dbname", "dbname"))
    )  # fmt: skip
    lines = [
        "[databases]",
        f"{url['dbname']} = {server}",
        "[pgbouncer]",
        "listen_addr =",
        f"listen_port = {PGBOUNCER_PORT}",
        f"unix_socket_dir = {folder}",
        "auth_type = any",
        "pool_mode = transaction",
        f"default_pool_size = {os.environ['SESSIONS']}",
        f"max_db_connections = {os.environ['SESSIONS']}",
        "max_client_conn = 5000",
        "ignore_startup_parameters = extra_float_digits,options",
        "log_connections = 0",
        "log_disconnections = 0",
        "",
    ]
    config = folder / "pgbouncer.ini"
    config.touch(0o600)  # it holds the password
    config.write_text("\n".join(lines))
    place = f"host={quote(str(folder), safe='')}&port={PGBOUNCER_PORT}"
    os.environ["DATABASE_URL"] = f"postgresql://{url['user']}@/{url['dbname']}?{place}"
    return [PGBOUNCER, "-q", str(config)]


def nginx(folder: Path, socket: Path) -> Command:
    """Return nginx's command line, after its configuration is written."""
    text = Path("nginx.conf.in").read_text()
    for name, value in {**os.environ, "SOCKET": str(socket)}.items():
        text = text.replace(f"@{name}@", value)
    config = folder / "nginx.conf"
    config.write_text(text)
    return [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(config)]


def together(folder: Path) -> None:
    """Run the server with those around it, until SIGTERM or the end of one of them.

    Raises SystemExit, with 0 for SIGTERM.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(command: Command, there: Path | None) -> None:
        started.append(subprocess.Popen(command))
        while there is not None and not listens(there) and started[-1].poll() is None:
            time.sleep(0.05)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    socket = folder / "server.sock" if os.environ["PROXY"] == "nginx" else None
    try:
        if os.environ["POOLER"] == "pgbouncer":
            start(pgbouncer(folder), folder / f".s.PGSQL.{PGBOUNCER_PORT}")
        start(server(None if socket is None else str(socket)), socket)
        if socket is not None:
            folder.chmod(0o711)  # nginx's workers may be another user's, if this is root's
            start(nginx(folder, socket), None)
        os.wait()
        sys.exit("one of the server, nginx and PgBouncer has ended")
    finally:
        for one in reversed(started):  # nginx first, so that it asks for nothing more
            one.terminate()
            one.wait()


def listens(path: Path) -> bool:
    """Return whether a program takes connections at a Unix socket; it may be there before."""
    with sockets.socket(sockets.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


def server(socket: str | None) -> Command:
    """Return the command line of the app's server."""
    return {"gunicorn": gunicorn, "uvicorn": uvicorn}[os.environ["SERVER"]](socket)


def main() -> None:
    """Become the server that the environment asks for, or what runs it with others."""
    for name, known in CHOICES.items():
        if os.environ[name] not in known:
            sys.exit(f"{name}={os.environ[name]}: not one of {', '.join(known)}")
    if (os.environ["PROXY"], os.environ["POOLER"]) != ("none", "none"):
        with tempfile.TemporaryDirectory() as folder:
            together(Path(folder))
    command = server(None)
    os.execv(command[0], command)  # noqa: S606 - takes this process's place


if __name__ == "__main__":
    main()
