"""The counter workload's database and apps, by the apps' names alone."""

from tests.unit.apps import of_workload

counters, serve, defaults = of_workload.fixtures("counter")
