"""The few calls of the Linux kernel that Python's library does not offer, through the C library.

On other systems `die_with_parent` does nothing and capabilities do not exist; what that costs is
said where they are used.
"""

import ctypes
import errno
import os
import sys

# Bypass of read and search permission checks, and of all permission checks (linux/capability.h).
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522

IS_LINUX = sys.platform.startswith("linux")
# Looked up once, before any fork: a child between fork and exec should load nothing.
_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilitySet(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process `signal_number` when its parent ends, however it ends."""
    if _libc is not None:
        _prctl(_PR_SET_PDEATHSIG, signal_number)


def keep_capabilities_across_setuid() -> None:
    """Let a change of the user id keep the permitted capabilities.

    Where the kernel allows it they also count in access(2), which PostgreSQL asks about its own
    programs; otherwise that call sees an ordinary user without any.
    """
    try:
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    except PermissionError:
        _prctl(_PR_SET_KEEPCAPS, 1)


def keep_only_capability(capability: int) -> None:
    """Give up every capability but this one, which programs started from here on will have too."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    bits = 1 << capability
    sets = (_CapabilitySet * 2)()
    sets[0] = _CapabilitySet(bits, bits, bits)
    assert _libc is not None
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(sets)))
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    if _libc is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *padded))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
