"""Serve a results folder to a browser on this machine: its campaigns, their history, comparisons.

Nothing but reports is written, by the functions of `report`.
"""
