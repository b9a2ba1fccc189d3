"""The pokemon workload's database and apps, by the apps' names alone."""

from tests.unit.apps import of_workload

creatures, serve, defaults = of_workload.fixtures("pokemon")
