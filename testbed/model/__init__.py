"""Data that crosses a border (files, hosts, tools), as typed models.

Pure: no host, clock or process. Every model refuses unknown keys and is
immutable; a figure that was not obtained is None, never 0.
"""
