"""For all tests: examples of hypothesis do not vary, and no test is about how fast the machine is.

`pytest --hypothesis-profile=anew` draws other examples, to look for what these do not find. What it
finds is kept as an `@example`.
"""

from hypothesis import HealthCheck, settings

ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("anew", ANY_MACHINE, derandomize=False)
settings.register_profile("same", ANY_MACHINE, derandomize=True)
settings.load_profile("same")
