"""The tables of the workload's data set.

dataset.sql makes them, so there are no migrations. The models are managed all the same, as any
project's are: of one that is not, Django does not know that its key stands for the whole row, and
would group by every column.
"""

from django.conf import settings
from django.db import models


class Record(models.Model):
    """Something that came in; with a parent, it is a part of it."""

    parent = models.ForeignKey("self", models.CASCADE, null=True)
    auth_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    status = models.CharField(max_length=10)
    updated = models.DateTimeField()
    label = models.CharField(max_length=200)
    content = models.TextField()

    class Meta:
        db_table = "record"


class Tag(models.Model):
    """A word that some thing is tagged with, of whatever kind it is."""

    kind = models.CharField(max_length=10)  # 'rec' if the thing is a record
    record = models.ForeignKey(Record, models.CASCADE, db_column="kind_id", db_constraint=False)
    tag = models.CharField(max_length=50)

    class Meta:
        db_table = "tag"
