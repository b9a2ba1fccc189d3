"""The endpoints, by views that await the ORM's asynchronous calls."""

from django.db.models import F
from django.http import HttpRequest, JsonResponse
from django.shortcuts import aget_object_or_404
from django.views.decorators.http import require_GET, require_POST

from .models import READ, UPDATED, Counter


@require_GET
async def static(request: HttpRequest) -> JsonResponse:
    """A small document."""
    return JsonResponse({"message": "Hello, World!"})


@require_GET
async def read(request: HttpRequest) -> JsonResponse:
    """One row."""
    found = await aget_object_or_404(Counter, id=READ)
    return JsonResponse({"id": found.id, "name": found.name, "hits": found.hits})


@require_POST
async def update(request: HttpRequest) -> JsonResponse:
    """One more hit of one counter."""
    updated = await Counter.objects.filter(id=UPDATED).aupdate(hits=F("hits") + 1)
    return JsonResponse({"updated": updated})
