"""The endpoints."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST
from marshmallow import ValidationError
from redis import Redis

from .models import Item
from .schemas import load_item

redis = Redis.from_url(settings.REDIS_URL)  # keeps a connection open for each thread


@require_GET
def item_list(request: HttpRequest) -> HttpResponse:
    """The page with all items, and how often it has been viewed."""
    counter = redis.incr("counter")
    return render(request, "home.html", {"items": Item.objects.all(), "counter": counter})


@require_POST
def add_item(request: HttpRequest) -> HttpResponse:
    """Store an item that is sent as JSON."""
    try:
        item = load_item(json.loads(request.body))
    except ValidationError as error:
        return JsonResponse({"errors": error.messages}, status=400)
    except ValueError:
        return JsonResponse({"errors": {"_schema": ["Not JSON."]}}, status=400)
    if item is None:
        return no_content()
    Item.objects.create(**item)
    return JsonResponse({}, status=201)


def no_content() -> HttpResponse:
    """An answer without a body, and without the type that Django gives every answer."""
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    return response
