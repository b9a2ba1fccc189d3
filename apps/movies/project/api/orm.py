"""Two ways to Django's ORM from coroutines, each with so many threads and no more.

Django keeps a database connection for each thread, and ends it when it should by what it does
before and after each request. Here there are no requests of Django's, so both ways do it
themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections, connections
from movies.models import Movie

AllMovies = Callable[[], Awaitable[list[dict[str, Any]]]]


@contextmanager
def threads(count: int) -> Iterator[AllMovies]:
    """Django's synchronous ORM in a pool of threads, as Channels' database_sync_to_async does it.

    One trip to a thread for all that is done there.
    """

    def in_thread() -> list[dict[str, Any]]:
        close_old_connections()
        try:
            return [movie.as_document() for movie in Movie.objects.all()]
        finally:
            close_old_connections()

    with ThreadPoolExecutor(count, "orm") as executor:
        yield sync_to_async(in_thread, thread_sensitive=False, executor=executor)


@contextmanager
def lent_threads(count: int) -> Iterator[AllMovies]:
    """Django's asynchronous ORM, each call in a thread of its own until it is done.

    Django passes each of its steps to the thread that asgiref's context names, and without a
    context all to one and the same; its own handler makes a new thread for each request. Here they
    are lent in turn, so that both ways have as many threads, and connections can be kept.
    """
    idle: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()

    async def in_lent_thread() -> list[dict[str, Any]]:
        executor = await idle.get()
        try:
            async with ThreadSensitiveContext(executor=executor):
                return await with_async_orm()
        finally:
            idle.put_nowait(executor)

    with ExitStack() as stack:
        for number in range(count):
            executor = stack.enter_context(ThreadPoolExecutor(1, f"orm_{number}"))
            stack.callback(lambda lent: lent.submit(connections.close_all), executor)
            idle.put_nowait(executor)
        yield in_lent_thread


async def with_async_orm() -> list[dict[str, Any]]:
    """All movies, by the ORM's own asynchronous iteration."""
    await sync_to_async(close_old_connections)()
    try:
        return [movie.as_document() async for movie in Movie.objects.all()]
    finally:
        await sync_to_async(close_old_connections)()
