"""Counters: the table, and views that wait or await."""
