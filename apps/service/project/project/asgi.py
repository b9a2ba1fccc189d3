"""What servers of ASGI serve."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

django = get_asgi_application()

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def closing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as Django does, and say that the connection is closed, which uvicorn then does.

    By a time-out of 0 alone it would close it unannounced, when the next request may be on its way.
    """

    async def say(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    await django(scope, receive, say)


application = closing if os.environ.get("KEEPALIVE_S") == "0" else django
