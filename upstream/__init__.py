"""The other service of workloads that need one: it answers each question after a declared time.

It records how late it was itself, so that its faults are not taken for those of an app. Like pacer
and telemetry it runs on a host, and imports nothing of testbed/.
"""
