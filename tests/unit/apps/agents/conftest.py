"""The agents workload's database and apps, by the apps' names alone."""

from tests.unit.apps import of_workload

database, serve, defaults = of_workload.fixtures("agents")
