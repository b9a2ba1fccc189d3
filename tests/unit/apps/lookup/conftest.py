"""The lookup workload's database and apps, by the apps' names alone."""

from tests.unit.apps import of_workload

entries, serve, defaults = of_workload.fixtures("lookup")
