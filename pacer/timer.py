"""A timer with the kernel's precision, as a file descriptor (timerfd_create(2)).

Event loops count time in whole milliseconds. A generator that sends up to a millisecond late would
measure its own delay. Python has os.timerfd_create from 3.13 on; the C library always has it.
"""

import ctypes
import os

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_NS_PER_S = 1_000_000_000


class _TimeSpec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _ITimerSpec(ctypes.Structure):
    _fields_ = (("it_interval", _TimeSpec), ("it_value", _TimeSpec))


class Timer:
    """A file descriptor that becomes readable at a given time of time.monotonic_ns().

    Raises OSError if the kernel does not give one.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._settime = libc.timerfd_settime
        self._spec = _ITimerSpec()
        self._value = self._spec.it_value
        self._pointer = ctypes.byref(self._spec)
        self.fd: int = libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")

    def arm(self, at_ns: int) -> None:
        """Become readable at `at_ns`, or at once if that is past, and not before it.

        Setting a timer cancels an expiry that was not read, so nobody has to read it.
        """
        self._value.tv_sec, self._value.tv_nsec = divmod(at_ns, _NS_PER_S)
        if self._settime(self.fd, _TFD_TIMER_ABSTIME, self._pointer, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")

    def close(self) -> None:
        """Close the file descriptor."""
        os.close(self.fd)
