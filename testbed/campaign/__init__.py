"""Campaigns: runs in a planned order, resumed where they were cut off, and articles' workloads."""
