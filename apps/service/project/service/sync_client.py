"""How views that wait ask the other service: all threads of a worker share a client.

A client that is not asked with is not imported, so that it takes no memory.
"""

from collections.abc import Callable
from typing import Any

from .other_service import HTTP_CLIENT, TIMEOUT_S, URL, unknown

MOST_KEPT = 2000  # connections; urllib3 closes those beyond


def by_httpx() -> Callable[[int], Any]:
    """Return what asks for the value of a number."""
    from httpx import Client, Limits

    unlimited = Limits(max_connections=None, max_keepalive_connections=None)
    client = Client(base_url=URL, limits=unlimited, timeout=TIMEOUT_S)

    def value_of(number: int) -> Any:
        told = client.get("/value", params={"id": number}).raise_for_status().json()
        return told["value"]

    return value_of


def by_urllib3() -> Callable[[int], Any]:
    """Return what asks for the value of a number."""
    from urllib3 import PoolManager
    from urllib3.exceptions import HTTPError

    client = PoolManager(num_pools=1, maxsize=MOST_KEPT, timeout=TIMEOUT_S, retries=False)

    def value_of(number: int) -> Any:
        answer = client.request("GET", f"{URL}/value", fields={"id": str(number)})
        if answer.status != 200:
            raise HTTPError(f"the other service answered {answer.status}")
        return answer.json()["value"]

    return value_of


match HTTP_CLIENT:
    case "httpx":
        value_of = by_httpx()
    case "urllib3":
        value_of = by_urllib3()
    case _:
        raise unknown("httpx", "urllib3")
