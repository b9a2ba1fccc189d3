"""Define typed models of all data that is read from or written to files, hosts and tools.

The models use no host, clock or process. Every model is immutable and refuses unknown keys. A
figure that was not obtained is None, never 0.
"""
