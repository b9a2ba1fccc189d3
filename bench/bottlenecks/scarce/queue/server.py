"""Accept what waits in the listen queue, answer it, and look again after a while."""

import os
import socket
import time

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\nok"
)
EVERY_S = int(os.environ["ACCEPT_EVERY_MS"]) / 1000


def main() -> None:
    """Serve until ended."""
    at = os.environ["ADDRESS"], int(os.environ["PORT"])
    listening = socket.create_server(at, backlog=int(os.environ["BACKLOG"]))
    listening.setblocking(False)
    while True:
        time.sleep(EVERY_S)
        while True:
            try:
                connection, _ = listening.accept()
            except BlockingIOError:
                break
            with connection:
                connection.setblocking(True)
                connection.recv(65536)
                connection.sendall(ANSWER)


if __name__ == "__main__":
    main()
