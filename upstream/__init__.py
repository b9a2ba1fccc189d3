"""The other service of workloads that need one: it answers each question after a declared time.

It tells how late it was itself, so that nobody takes its faults for those of an app. Like pacer and
telemetry it runs on a host, and imports nothing of testbed/.
"""
