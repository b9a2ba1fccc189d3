"""Carry out campaigns in a planned order, resume them, and ask published articles again."""
