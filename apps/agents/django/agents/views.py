"""The endpoints."""

from django.db import connection
from django.db.models import F, Value
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from .models import Agent

AGENTS = """
SELECT
    agentfeatures.number,
    agent_login_status.extension,
    agent_login_status.context,
    agent_login_status.state_interface,
    'offline' AS status,
    '-1' AS extension_status,
    '0' AS paused
FROM agentfeatures
LEFT JOIN agent_login_status ON agent_login_status.agent_id = agentfeatures.id
ORDER BY agentfeatures.id
"""


@require_GET
def index(request: HttpRequest) -> JsonResponse:
    """A small JSON document."""
    return JsonResponse({"hello": "world"})


@require_GET
def agents(request: HttpRequest) -> JsonResponse:
    """All agents with their status, by the SQL statement."""
    with connection.cursor() as cursor:
        cursor.execute(AGENTS)
        columns = [column.name for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
    return JsonResponse(rows, safe=False)


@require_GET
def agents_with_orm(request: HttpRequest) -> JsonResponse:
    """All agents with their status, by the ORM."""
    rows = (
        Agent.objects.order_by("id")
        .annotate(
            extension=F("login_status__extension"),
            context=F("login_status__context"),
            state_interface=F("login_status__state_interface"),
            status=Value("offline"),
            extension_status=Value("-1"),
            paused=Value("0"),
        )
        .values(
            "number",
            "extension",
            "context",
            "state_interface",
            "status",
            "extension_status",
            "paused",
        )
    )
    return JsonResponse(list(rows), safe=False)
