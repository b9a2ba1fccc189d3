"""The endpoints, by views that wait."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from .models import CATEGORIES, SHOWN, SLOW_QUERY, SUMS, Item
from .sync_client import value_of
from .work import digest


@require_GET
def hello(request: HttpRequest) -> JsonResponse:
    """A small document."""
    return JsonResponse({"message": "Hello, World!"})


@require_GET
def item(request: HttpRequest, number: int) -> JsonResponse:
    """One row."""
    return JsonResponse(get_object_or_404(Item, pk=number).document())


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The first rows, in a page."""
    return render(request, "service/page.html", {"items": Item.objects.order_by("id")[:SHOWN]})


@require_GET
def report(request: HttpRequest) -> JsonResponse:
    """A sum for each category, by a query each."""
    categories = [
        {"category": category, **Item.objects.filter(category=category).aggregate(**SUMS)}
        for category in CATEGORIES
    ]
    return JsonResponse({"categories": categories})


@require_GET
def upstream(request: HttpRequest, number: int) -> JsonResponse:
    """What the other service says of a row, and the row."""
    value = value_of(number)
    found = get_object_or_404(Item, pk=number)
    return JsonResponse({**found.document(), "value": value})


@require_GET
def slow_query(request: HttpRequest) -> JsonResponse:
    """How many rows there are, told late."""
    with connection.cursor() as cursor:
        cursor.execute(SLOW_QUERY)
        (items,) = cursor.fetchone()
    return JsonResponse({"items": items})


@require_GET
def cpu(request: HttpRequest) -> JsonResponse:
    """What takes the CPU's time."""
    return JsonResponse({"digest": digest()})
