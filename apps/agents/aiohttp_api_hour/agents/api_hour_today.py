"""API-Hour 0.8.2 on the Python, Gunicorn and aiohttp of today.

API-Hour's last release is of 2017. Its Application, Container and command line still work. What
follows overrides just what does not:

- `api_hour.config.get_config` calls yaml.load without a Loader, which PyYAML refuses since 6.0.
- `api_hour.Worker.init_process` asks for the current event loop where there is none: deprecated
  since Python 3.12, an error in 3.14.
- `api_hour.Worker._run` and `close` pass loop= to asyncio.sleep and asyncio.wait, which no longer
  take it since Python 3.10, and coroutines to asyncio.wait, which takes only tasks since 3.11.
- `close` waits for the sockets before it closes the connections. Since Python 3.12 a server's
  wait_closed waits for its connections too, so one idle keep-alive connection would hold up the
  worker until Gunicorn kills it.

Two things are better than they were. A stop is noticed at once, not at the next look a second
later. And a worker that cannot start says so to Gunicorn, which then ends, in place of being
started over and over.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import api_hour
import yaml
from gunicorn.app.base import Application as GunicornApplication
from gunicorn.workers.base import Worker as GunicornWorker

PARENT_CHECK_S = 1.0  # also how often a worker tells Gunicorn that it is alive


class Worker(api_hour.Worker):
    """A Gunicorn worker that runs an API-Hour container in an event loop."""

    def init_process(self) -> None:
        """Set the process up and serve; `run` makes the event loop."""
        self._stopping = asyncio.Event()
        GunicornWorker.init_process(self)

    def run(self) -> None:
        """Make the event loop and run the container in it until the end."""
        self.booted = False  # until it serves, an error ends the whole daemon
        super().run()

    async def _run(self) -> None:
        self.container = self.app.callable(config=self.app.config, worker=self, loop=self.loop)
        await self.container.pre_start()
        self.handlers = await self.container.make_servers(self.sockets)
        await self.container.start()
        self.booted = True
        while self.alive and self.ppid == os.getppid():
            self.notify()
            try:
                await asyncio.wait_for(self._stopping.wait(), PARENT_CHECK_S)
            except TimeoutError:
                continue
        await self.close()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop gracefully: the loop calls this on SIGTERM."""
        super().handle_exit(sig, frame)
        self._stopping.set()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop: the loop calls this on SIGINT and SIGQUIT."""
        super().handle_quit(sig, frame)
        self._stopping.set()

    async def close(self) -> None:
        """Stop accepting, let the container end its connections, then its engines."""
        for server in self.handlers:
            server.close()
        await self.container.shutdown()
        await asyncio.gather(*(server.wait_closed() for server in self.handlers))
        await self.container.cleanup()


class Application(api_hour.Application):
    """The daemon: Gunicorn's master with API-Hour's options and configuration folder."""

    def load_default_config(self) -> None:
        """Start from API-Hour's defaults, with the worker above."""
        super().load_default_config()
        self.cfg.set("worker_class", Worker)

    def load_config(self) -> None:
        """Read the command line, then `main/main.yaml` in the configuration folder."""
        GunicornApplication.load_config(self)
        self.config = None
        if self.cfg.config_dir:
            text = (Path(self.cfg.config_dir) / "main" / "main.yaml").read_text(encoding="utf-8")
            self.config = yaml.load(text, Loader=ConfigLoader)  # noqa: S506 - a SafeLoader


class ConfigLoader(yaml.SafeLoader):
    """YAML in which `!env NAME` stands for an environment variable, as text."""


def environment_variable(loader: ConfigLoader, node: yaml.ScalarNode) -> str:
    """The value of the variable that a `!env` node names."""
    return os.environ[loader.construct_scalar(node)]


ConfigLoader.add_constructor("!env", environment_variable)
