"""The table of the workload's data set. It is made by dataset.sql, not by migrations."""

from django.db import models


class Item(models.Model):
    """Something to be done."""

    text = models.TextField()
    date_posted = models.DateField()

    class Meta:
        managed = False
        db_table = "item"
        ordering = ["id"]
