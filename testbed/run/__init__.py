"""Carry out one run: start an app, check, load and watch it, and keep what was seen."""
