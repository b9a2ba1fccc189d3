"""pacer: a constant-rate HTTP/1.1 load generator that reports what it could not do, too.

Stands alone: Python 3.11 or newer on Linux, uvloop and hdrhistogram. See README.md for how it
works and FORMAT.md for what it writes.
"""

__version__ = "1.0.0"
