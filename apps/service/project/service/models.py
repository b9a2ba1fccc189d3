"""The table of the workload's data set, and the questions that views ask of it.

The table is made by dataset.sql, not by migrations.
"""

from typing import Any

from django.db import models


class Item(models.Model):
    """A part that is sold."""

    id = models.IntegerField(primary_key=True)
    name = models.TextField()
    category = models.IntegerField()
    price = models.IntegerField()

    class Meta:
        managed = False
        db_table = "item"

    def document(self) -> dict[str, Any]:
        """The item as answers have it."""
        return {
            "id": self.id,
            "name": self.name,
            "category": self.category,
            "price": self.price,
        }


CATEGORIES = range(1, 11)
SUMS = {"items": models.Count("*"), "total": models.Sum("price")}  # of a category
SHOWN = 20  # rows on the page
SLOW_QUERY = "SELECT count(*) AS items FROM item, pg_sleep(0.05)"
