"""pacer: a constant-rate HTTP/1.1 load generator that also reports what it could not do.

It stands alone and needs Python 3.11 or newer on Linux, uvloop and hdrhistogram. README.md says how
it works and FORMAT.md what it writes.
"""

__version__ = "1.0.0"
