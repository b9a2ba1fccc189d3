"""What uvicorn's workers serve: Django, and the lifespan protocol, which Django leaves to others.

ASGI has it for things such as pools, which belong to an event loop and to all its requests.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

django = get_asgi_application()

from creatures.async_database import AsyncDatabase  # noqa: E402
from django.conf import settings  # noqa: E402

database = AsyncDatabase(**settings.CREATURES)

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


answer = closing if os.environ.get("KEEPALIVE_S") == "0" else django


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Requests go to Django."""
    serve = lifespan if scope["type"] == "lifespan" else answer
    await serve(scope, receive, send)


async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Open the database before the first request, and close it after the last."""
    await receive()  # lifespan.startup
    asyncio.get_running_loop().set_debug(settings.ASYNCIO_DEBUG)
    async with database:
        scope["state"]["database"] = database
        await send({"type": "lifespan.startup.complete"})
        await receive()  # lifespan.shutdown
    await send({"type": "lifespan.shutdown.complete"})
