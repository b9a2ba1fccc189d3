"""Fixtures of several files of tests."""

from tests.unit.report.served import ask, results

__all__ = ["ask", "results"]
