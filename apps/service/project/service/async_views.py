"""The endpoints, by views that await."""

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import aget_object_or_404, render
from django.views.decorators.http import require_GET

from .async_client import value_of
from .models import CATEGORIES, SHOWN, SLOW_QUERY, SUMS, Item
from .work import digest


@require_GET
async def hello(request: HttpRequest) -> JsonResponse:
    """A small document."""
    return JsonResponse({"message": "Hello, World!"})


@require_GET
async def item(request: HttpRequest, number: int) -> JsonResponse:
    """One row."""
    return JsonResponse((await aget_object_or_404(Item, pk=number)).document())


@require_GET
async def page(request: HttpRequest) -> HttpResponse:
    """The first rows, in a page."""
    items = [found async for found in Item.objects.order_by("id")[:SHOWN]]
    return render(request, "service/page.html", {"items": items})


@require_GET
async def report(request: HttpRequest) -> JsonResponse:
    """A sum for each category, by a query each."""
    categories: list[dict[str, Any]] = [
        {"category": category, **await Item.objects.filter(category=category).aaggregate(**SUMS)}
        for category in CATEGORIES
    ]
    return JsonResponse({"categories": categories})


@require_GET
async def upstream(request: HttpRequest, number: int) -> JsonResponse:
    """What the other service says of a row, and the row."""
    value = await value_of(number)
    found = await aget_object_or_404(Item, pk=number)
    return JsonResponse({**found.document(), "value": value})


@require_GET
async def slow_query(request: HttpRequest) -> JsonResponse:
    """How many rows there are, told late."""
    return JsonResponse({"items": await count_slowly()})


@sync_to_async
def count_slowly() -> int:
    """The statement's only value; Django's cursors cannot be awaited, so a thread waits."""
    with connection.cursor() as cursor:
        cursor.execute(SLOW_QUERY)
        (items,) = cursor.fetchone()
    return int(items)


@require_GET
async def cpu(request: HttpRequest) -> JsonResponse:
    """What takes the CPU's time, and the event loop's with it."""
    return JsonResponse({"digest": digest()})
