"""The list page."""

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import (
    Count,
    F,
    FilteredRelation,
    Func,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Window,
)
from django.views.generic import ListView

from .models import Record


class CountRows(Func):
    """COUNT(*) of a subquery that is not grouped; the aggregate Count would group it."""

    template = "COUNT(*)"
    output_field = IntegerField()


NEW = Q(status="new")
PARTS = Record.objects.filter(NEW, parent=OuterRef("pk")).annotate(rows=CountRows()).values("rows")


class RecordList(ListView):
    """The ten records that are new and were updated last, out of how many."""

    queryset = (
        Record.objects.filter(NEW, parent=None)
        .alias(tag_of_record=FilteredRelation("tag", condition=Q(tag__kind="rec")))
        .annotate(
            username=F("auth_user__username"),
            tags=ArrayAgg("tag_of_record__tag", order_by="tag_of_record__tag"),
            total=Window(Count("*")),
            parts=Subquery(PARTS),
        )
        .defer("parent")
        .order_by("-updated", "-id")[:10]
    )
