"""The table of the workload's data set, made by dataset.sql and not by migrations."""

from django.db import models

READ, UPDATED = 7, 1  # the counters that requests read and update


class Counter(models.Model):
    """A counter."""

    id = models.IntegerField(primary_key=True)
    name = models.TextField()
    hits = models.IntegerField()

    class Meta:
        managed = False
        db_table = "counter"
