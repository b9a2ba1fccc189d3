"""Tidy tables of campaigns for other programs, each with a schema."""
