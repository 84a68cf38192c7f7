"""Keeps the C heap of a process that runs for months as small as what it holds. glibc only; elsewhere nothing happens.

glibc gives threads heaps of their own, up to eight per core, and never hands back what lies below a live block. With
camera threads that come and go each of these heaps keeps its own high-water mark.
"""

import ctypes
import functools
from typing import Any

# <malloc.h>
_M_ARENA_MAX = -8
_ARENAS = 2


def limit_heaps() -> bool:
    """Before other threads are started. False where the C library has no such setting."""
    mallopt = getattr(_c_library(), "mallopt", None)
    return mallopt is not None and mallopt(_M_ARENA_MAX, _ARENAS) == 1


def give_back() -> None:
    """Free pages of all heaps go back to the system; takes some milliseconds, from any thread."""
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@functools.cache
def _c_library() -> Any:
    return ctypes.CDLL(None)
