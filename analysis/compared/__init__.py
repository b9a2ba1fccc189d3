"""Comparisons on the command line and in the forms that people and other programs read."""
