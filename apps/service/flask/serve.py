"""Start the server that SERVER names, and nginx in front of it if PROXY says so."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
NGINX = "/usr/sbin/nginx"
CHOICES = {
    "SERVER": ("gunicorn", "granian"),
    "PROXY": ("none", "nginx"),
    "DATABASE_ACCESS": ("connection_per_request", "pool"),
}
BACKLOG = "2048"  # Gunicorn's default
# Its threads close connections beyond 1000, the default, less the threads; a load may keep more
CONNECTIONS = "3000"
GRANIAN_KEEPS_S = 60  # at most

Command = list[str]


def gunicorn(bind: str) -> Command:
    """Return Gunicorn's command line; `bind` is ADDRESS:PORT or unix:PATH."""
    return [
        *(f"{BIN}/gunicorn", "--bind", bind, "--backlog", BACKLOG),
        *("--workers", os.environ["WORKERS"], "--worker-class", os.environ["WORKER_CLASS"]),
        *("--threads", os.environ["THREADS"], "--worker-connections", CONNECTIONS),
        *("--keep-alive", os.environ["KEEPALIVE_S"]),
        *("--graceful-timeout", "3", "--worker-tmp-dir", "/dev/shm"),  # noqa: S108 - no disk
        *("--no-control-socket", "service:create_app()"),
    ]


def granian() -> Command:
    """Return Granian's command line."""
    kept_s = min(int(os.environ["KEEPALIVE_S"]), GRANIAN_KEEPS_S)
    kept = ["--http1-header-read-timeout", str(kept_s * 1000)] if kept_s else []
    return [
        *(f"{BIN}/granian", "--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", os.environ["ADDRESS"], "--port", os.environ["PORT"], "--backlog", BACKLOG),
        *("--workers", os.environ["WORKERS"], "--blocking-threads", os.environ["THREADS"]),
        *(kept or ["--no-http1-keep-alive"]),
        *("--workers-kill-timeout", "3", "--factory", "service:create_app"),
    ]


def behind_nginx(folder: Path) -> None:
    """Run Gunicorn at a socket in `folder`, and nginx before it, until SIGTERM or one's own end.

    Raises SystemExit, with 0 for SIGTERM.
    """
    folder.chmod(0o711)  # nginx's workers may be another user's, if this is root's
    socket, config = folder / "gunicorn.sock", folder / "nginx.conf"
    text = Path("nginx.conf.in").read_text()
    for name, value in {**os.environ, "SOCKET": str(socket)}.items():
        text = text.replace(f"@{name}@", value)
    config.write_text(text)
    started: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        started.append(subprocess.Popen(gunicorn(f"unix:{socket}")))
        while not socket.exists() and started[0].poll() is None:
            time.sleep(0.05)  # else nginx would answer for it, with an error
        started.append(
            subprocess.Popen([NGINX, "-e", "stderr", "-p", str(folder), "-c", str(config)])
        )
        os.wait()
        sys.exit("Gunicorn or nginx has ended")
    finally:
        for one in reversed(started):  # nginx first, so that it asks for nothing more
            one.terminate()
            one.wait()


def main() -> None:
    """Become the server that the environment asks for."""
    for name, known in CHOICES.items():
        if os.environ[name] not in known:
            sys.exit(f"{name}={os.environ[name]}: not one of {', '.join(known)}")
    server, proxy = os.environ["SERVER"], os.environ["PROXY"]
    if proxy == "nginx" and server != "gunicorn":
        sys.exit(f"PROXY={proxy} is for SERVER=gunicorn, not {server}")
    if proxy == "nginx":
        with tempfile.TemporaryDirectory() as folder:
            behind_nginx(Path(folder))
    address = f"{os.environ['ADDRESS']}:{os.environ['PORT']}"
    command = granian() if server == "granian" else gunicorn(address)
    os.execv(command[0], command)  # noqa: S606 - takes this process's place


if __name__ == "__main__":
    main()
