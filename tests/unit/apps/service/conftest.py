"""The service workload's database and apps, by the apps' names alone."""

from tests.unit.apps import of_workload

items, serve, defaults = of_workload.fixtures("service")
