"""Describe and sample a host. This runs on both hosts and needs only python3 and psutil."""
