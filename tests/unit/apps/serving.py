"""Run an app by its app.yml, the way its systemd unit does, and talk to it."""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from testbed.asked import catalogue
from testbed.model.catalogue import CataloguedApp
from tests.unit.apps.cluster import Cluster, free_port

REPOSITORY = Path(__file__).resolve().parents[3]
CATALOGUE = catalogue.load()
APPS = {f"{app.workload}/{app.name}": app for app in CATALOGUE.apps}
STARTED = "Application startup complete."  # what each of uvicorn's workers says
PATIENCE_S = 60.0  # for what takes a fraction of it; less than apps' default of keepalive_s
START_PATIENCE_S = 300.0  # nothing is said of how long a start takes; only a hang gets there
# Gunicorn's own patience, which is that of a quiet machine: with workers that show no life, and at
# the end with those that have yet to end. A test's is over first.
GUNICORN_PATIENCE_S = "300"

# Another interpreter to run the apps under, e.g. python3.13.
PYTHON = os.environ.get("TESTBED_APPS_PYTHON", sys.executable)


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    content_type: str  # without parameters such as charset
    connection: str | None  # the header
    body: bytes

    def json(self) -> Any:
        """The body's document."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RunningApp:
    """An app that answers."""

    process: "subprocess.Popen[bytes]"
    log_file: Path
    port: int

    @property
    def database_name(self) -> str:
        """What the app's database connections call themselves, if it was run by `serve`."""
        return self.log_file.name

    def connect(self) -> http.client.HTTPConnection:
        """A connection that has not been opened yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def get(self, path: str) -> Answer:
        """The answer on a connection of its own."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: bytes | None = None, media: str = "") -> Answer:
        """The answer on a connection of its own, to a request with or without a body."""
        with contextlib.closing(self.connect()) as connection:
            return ask(connection, path, method, body, media)

    def log(self) -> str:
        """What the app has written to stdout and stderr so far."""
        return self.log_file.read_text()

    def workers(self) -> list[psutil.Process]:
        """The master's children.

        The kernel tells them at once; psutil would look at all processes of the machine, whose labs
        have some hundred, each time that a test waits for workers.
        """
        tasks = Path(f"/proc/{self.process.pid}/task")
        pids = [pid for task in tasks.iterdir() for pid in _text(task / "children").split()]
        found = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(pid)))
        return found

    def stop(self) -> None:
        """Stop as systemd does; fail unless all workers ended by themselves, in order."""
        workers = self.workers()
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        # uvicorn's only process ends itself by the signal when it has closed everything
        in_order = -signal.SIGTERM if "Finished server process" in self.log() else 0
        assert code in (0, in_order), self.log()
        # the last may still be on its way out, or wait for init to take its exit code
        _, alive = psutil.wait_procs(workers, PATIENCE_S)
        assert alive == []
        if "Booting worker" in self.log():  # Gunicorn's; those killed say neither of the others
            ends = [self.log().count(end) for end in ("Worker exiting", "Finished server process")]
            assert max(ends) == len(workers), self.log()


def _text(file: Path) -> str:
    """What stands in a file of /proc; nothing if its thread has ended meanwhile."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


Serve = Callable[..., contextlib.AbstractContextManager[RunningApp]]  # see conftest.run_app
DefaultApp = Callable[[str], RunningApp]  # see conftest.default_app
DatabaseOf = Callable[[str], Cluster]  # see conftest.database_of


def ask(
    connection: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    media: str = "",
) -> Answer:
    """Send a request on the connection, opening it if need be, and read the answer."""
    connection.request(method, path, body, {"Content-Type": media} if media else {})
    response = connection.getresponse()
    return Answer(
        status=response.status,
        content_type=(response.getheader("Content-Type") or "").partition(";")[0],
        connection=response.getheader("Connection"),
        body=response.read(),
    )


def wait_until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for the condition; fail if it does not come true."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def assert_workers(running: RunningApp, count: int) -> None:
    """Fail unless the app comes to have just so many workers; `serving` waits for no fewer."""
    wait_until(
        lambda: len(running.workers()) == count, f"{count} worker processes", START_PATIENCE_S
    )


def is_ready(worker: psutil.Process) -> bool:
    """Return whether a worker of Gunicorn handles all signals, and waits for requests.

    A SIGTERM that comes before it handles signals ends it without a word. One that comes while it
    still imports the app waits until that is done, which takes longer than Gunicorn's patience on a
    slow machine; a process that imports never sleeps. SIGABRT's handler is the last to be
    installed, and the master has none that the worker could have inherited.
    """
    status = Path(f"/proc/{worker.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    handles = bool(int(caught.split()[1], 16) >> (signal.SIGABRT - 1) & 1)
    return handles and worker.status() == psutil.STATUS_SLEEPING


def requirements_of(app: CataloguedApp) -> Path:
    """The file with the app's pinned packages."""
    return Path(app.folder) / str(app.spec.requirements)


def make_venv(app: CataloguedApp) -> Path:
    """The app's virtual environment, made once for each state of its requirements.

    Apps with the same requirements share one. What the project's own apps need is downloaded by one
    pip, and installed by uv, which takes a tenth of the time.
    """
    requirements = requirements_of(app)

    def build(venv: Path) -> None:
        run([PYTHON, "-m", "venv", "--without-pip", str(venv)])
        python, wanted = venv / "bin/python", ["--no-deps", "--requirement", str(requirements)]
        if app in APPS.values():
            from_there = ["--offline", "--no-index", f"--find-links={packages()}"]
            run(uv(python, "install", *from_there, *wanted))
        else:
            run(pip(python, "install", *wanted))

    return _made_once("test-venvs", app.workload, [requirements], build)


def packages() -> Path:
    """The packages of all apps, downloaded by one pip, since most are those of several apps."""
    files = sorted({requirements_of(app) for app in APPS.values()})
    wanted = [f"--requirement={file}" for file in files]
    return _made_once(
        "test-packages",
        "all",
        files,
        lambda folder: run(pip(PYTHON, "download", "--no-deps", f"--dest={folder}", *wanted)),
    )


def _made_once(
    kind: str, name: str, requirements: list[Path], make: Callable[[Path], object]
) -> Path:
    """A folder of the cache that `make` fills, once for each state of the requirements.

    Test processes share it: the first makes it, and the others wait.
    """
    state = b"".join(file.read_bytes() for file in requirements)
    key = hashlib.sha256(state + PYTHON.encode()).hexdigest()[:12]
    folder = REPOSITORY / ".cache" / kind / f"{name}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            (folder / "complete").touch()
    return folder


def pip(python: str | Path, *arguments: str) -> list[str]:
    """The command line of pip for an environment, which has none of its own, as on a host."""
    return [sys.executable, "-m", "pip", "--quiet", "--python", str(python), *arguments]


def uv(python: str | Path, command: str, *arguments: str) -> list[str]:
    """The command line of uv for an environment, with a cache of the tests' own."""
    cache = REPOSITORY / ".cache" / "uv"
    options = ["--quiet", "--cache-dir", str(cache), "--python", str(python)]
    return [sys.executable, "-m", "uv", "pip", command, *options, *arguments]


def run(command: list[str], **options: Any) -> str:
    """What a command printed. Fails with that if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def printed_in(app: CataloguedApp, code: str, environment: dict[str, str] | None = None) -> str:
    """What Python code prints in the app's folder and virtual environment."""
    return run([*python_of(app), "-c", code], cwd=app.folder, env=environment)


def python_of(app: CataloguedApp) -> list[str]:
    """How to call the Python of the app's environment, so that it writes nothing beside the app."""
    venv = make_venv(app)
    return [str(venv / "bin/python"), "-X", f"pycache_prefix={compiled(venv)}"]


def compiled(venv: Path) -> Path:
    """Where Python keeps what it compiles for an environment: not in the app's own folder."""
    return venv / "compiled"


def command_line(app: CataloguedApp, environment: dict[str, str]) -> list[str]:
    """The serve line as systemd executes it: no shell, variables never split into words.

    But Gunicorn is patient with workers that end, however slow the machine is.
    """
    places = {"{app}": app.folder}
    if app.spec.requirements is not None:
        places["{venv}"] = str(make_venv(app))
    words = []
    for word in shlex.split(app.spec.serve):
        for place, path in places.items():
            word = word.replace(place, path)
        words.append(re.sub(r"\$\{(\w+)\}", lambda match: environment[match[1]], word))
    if "--graceful-timeout" in words:
        words[words.index("--graceful-timeout") + 1] = GUNICORN_PATIENCE_S
    return words


def settings_environment(app: CataloguedApp, settings: dict[str, str | int]) -> dict[str, str]:
    """The app's settings, with those given in place of their defaults, under their env names."""
    unknown = settings.keys() - app.spec.settings.keys()
    assert not unknown, f"{app.name} has no settings {unknown}"
    values = app.defaults() | settings
    declared = {app.spec.settings[name].env: str(value) for name, value in values.items()}
    return app.spec.environment | declared


@contextlib.contextmanager
def starting(
    app: CataloguedApp, services: dict[str, str], log_file: Path, **settings: str | int
) -> Iterator[RunningApp]:
    """Start the app, with one worker unless told otherwise; make an end of it by force if need be.

    `services` are DATABASE_URL and the like. Nothing else of the tests' environment reaches the
    app.
    """
    port = free_port()
    if "workers" in app.spec.settings:
        settings = {"workers": 1, **settings}
    kept = {"PYTHONDONTWRITEBYTECODE": "1"}
    if app.spec.requirements is not None:  # compiling Django anew takes longer than to start it
        kept = {"PYTHONPYCACHEPREFIX": str(compiled(make_venv(app)))}
    environment = {
        "PATH": "/usr/bin:/bin",
        **kept,
        "ADDRESS": "127.0.0.1",
        "PORT": str(port),
        "GUNICORN_CMD_ARGS": f"--timeout {GUNICORN_PATIENCE_S}",
        **services,
        **settings_environment(app, settings),
    }
    with log_file.open("wb") as stream:
        process = subprocess.Popen(
            command_line(app, environment),
            cwd=app.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            # The kernel shares CPU time among sessions. In that of the tests, which only fill gaps
            # (script/test), a worker did not end within the 3 s after which its server kills it
            start_new_session=True,
        )
    try:
        yield RunningApp(process, log_file, port)
    finally:
        if process.poll() is None:
            workers = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
            for worker in workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()


@contextlib.contextmanager
def serving(
    app: CataloguedApp, services: dict[str, str], log_file: Path, **settings: str | int
) -> Iterator[RunningApp]:
    """As `starting`, and wait until all workers are there and the app answers its first path.

    In the end it is stopped, if it has not been, and must end in order.
    """
    with starting(app, services, log_file, **settings) as running:
        path = re.sub(r"\{\w+\}", "1", next(iter(app.spec.endpoints.values())))

        def answers() -> bool:
            assert running.process.poll() is None, f"{app.name} ended: {running.log()}"
            try:
                return running.get(path).status == 200
            except OSError:
                return False

        workers = int(settings.get("workers", 1))
        wait_until(answers, f"{app.name} answers", START_PATIENCE_S)
        if workers > 1 or "Booting worker" in running.log():  # else one process may do it all
            wait_until(
                lambda: len(running.workers()) >= workers,
                f"{app.name}'s {workers} workers",
                START_PATIENCE_S,
            )
        if STARTED in running.log():  # a signal that a worker gets before it says so is lost
            wait_until(
                lambda: running.log().count(STARTED) >= workers,
                f"{workers} have started",
                START_PATIENCE_S,
            )
        elif "Booting worker" in running.log():
            wait_until(
                lambda: all(is_ready(worker) for worker in running.workers()),
                "all workers wait for requests",
                START_PATIENCE_S,
            )
        yield running
        if running.process.poll() is None:
            running.stop()
