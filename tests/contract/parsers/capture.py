"""Record the fixtures anew: `python tests/contract/parsers/capture.py [NAME ...]`.

Runs every command that index.yml declares as captured, against servers of its own on loopback, or
for those with `link: true` between two network namespaces joined by a 1 Gbit/s link, and writes
what the tool printed (stdout and stderr in one stream, as in a terminal) to fixtures/, not a byte
changed. Needs wrk, ab, h2load, hey, iperf, nginx, and for the link root. The tests only read; they
never run it.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
ENVIRONMENT = os.environ | {  # for `python -m pacer`
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": os.environ.get("PYTHONPATH", str(HERE.parents[2])),
}
NGINX_PORT = 28080
ODD_PORT = 28081  # the server below; nothing listens on 28089

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /index {{ default_type application/json; return 200 '{{"hello": "world"}}'; }}
    location /moved {{ return 302 /index; }}
    location / {{ return 404; }}
  }}
}}
"""


async def odd_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as the path says: /slow, /never, /close, /reset, /half-errors, /stuck, ..."""
    answered = 0
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].split(b"?")[0].decode()
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    await reader.readexactly(int(line.split(b":")[1]))
            if path == "/close" or (path == "/reset" and answered % 3 == 2):
                if path == "/reset":
                    writer.transport.abort()
                break
            if path == "/slow":
                await asyncio.sleep(0.2)
            if path == "/late":
                await asyncio.sleep(1.4)
            if path == "/never":
                await asyncio.sleep(3600)
            if path == "/unfair" and writer.get_extra_info("peername")[1] // 2 % 2:
                await asyncio.sleep(3600)  # ports of connections one after the other differ by 2
            if path == "/stuck" and answered == 2:
                await asyncio.sleep(3600)
            status = "500 Oops" if path == "/half-errors" and answered % 2 else "200 OK"
            body = "x" * (5 + (answered + id(writer)) % 3 if path == "/varying" else 20)
            keep = b"keep-alive" in head.lower() or b"HTTP/1.1" in head
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n"
                f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n{body}".encode()
            )
            await writer.drain()
            answered += 1
            if not keep:
                break
    writer.close()


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """nginx and the odd server, for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=NGINX_PORT))
        nginx = subprocess.Popen(["nginx", "-c", str(config), "-p", folder])
        odd = subprocess.Popen([sys.executable, __file__, "--serve"])
        time.sleep(1)
        try:
            yield
        finally:
            for process in (odd, nginx):
                process.terminate()
                process.wait()


@contextlib.contextmanager
def link() -> Iterator[None]:
    """Two namespaces, capture-server (198.18.77.1) and capture-client (198.18.77.2)."""
    up = """
    ip netns add capture-server; ip netns add capture-client
    ip link add capture0 netns capture-server type veth peer name capture1 netns capture-client
    for side in server:0:1 client:1:2; do
      host=${side%%:*}; rest=${side#*:}
      ip -n capture-$host link set lo up
      ip -n capture-$host address add 198.18.77.${rest#*:}/30 dev capture${rest%:*}
      ip -n capture-$host link set capture${rest%:*} up
      tc -n capture-$host qdisc add dev capture${rest%:*} root \\
        tbf rate 1gbit burst 256kb latency 5ms
    done
    """
    try:
        subprocess.run(["sh", "-ec", up], check=True)
        yield
    finally:
        for host in ("server", "client"):
            subprocess.run(["ip", "netns", "delete", f"capture-{host}"], check=False)


async def serve() -> None:
    """Run the odd server until terminated."""
    server = await asyncio.start_server(odd_server, "127.0.0.1", ODD_PORT, backlog=512)
    await server.serve_forever()


def record(name: str, entry: dict[str, Any]) -> None:
    """Run one command and, if it declares one, the other side's beside it."""
    print(name, "<-", entry["command"])  # noqa: T201
    command = (["ip", "netns", "exec", "capture-client"] if entry.get("link") else []) + [
        *("sh", "-c", entry["command"])
    ]
    with contextlib.ExitStack() as stack:
        if other := entry.get("beside"):
            prefix = ["ip", "netns", "exec", "capture-server"] if entry.get("link") else []
            output = stack.enter_context((FIXTURES / other["file"]).open("wb"))
            beside = subprocess.Popen(
                [*prefix, "sh", "-c", "exec " + other["command"]],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            stack.callback(beside.wait)
            stack.callback(beside.terminate)
            stack.callback(time.sleep, 0.7)  # runs first: let it finish its report
            time.sleep(0.7)
        subprocess.run(
            command,
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=stack.enter_context((FIXTURES / f"{name}.txt").open("wb")),
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
            env=ENVIRONMENT,
        )


def main() -> None:
    if sys.argv[1:] == ["--serve"]:
        asyncio.run(serve())
        return
    index: dict[str, Any] = yaml.safe_load((HERE / "index.yml").read_text())
    captured = {name: entry for name, entry in index.items() if entry["origin"] == "captured"}
    FIXTURES.mkdir(exist_ok=True)
    wanted = {name: captured[name] for name in sys.argv[1:] or captured}
    with servers():
        for name, entry in wanted.items():
            with link() if entry.get("link") else contextlib.nullcontext():
                record(name, entry)


if __name__ == "__main__":
    main()
