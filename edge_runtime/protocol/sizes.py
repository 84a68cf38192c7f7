"""Byte counts as people write them."""

import re

from edge_runtime.protocol.errors import GemelError

_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


class SizeError(GemelError):
    code = "size"


def parse_size(text: str) -> int:
    """Bytes in `text`, e.g. "300MiB", "1.5 GB", "4096". Raises SizeError."""
    match = _PATTERN.fullmatch(text)
    unit = match.group(2).upper() if match else None
    if match is None or unit not in _UNITS:
        raise SizeError(f'"{text}" is no size. Write a number and a unit, such as 300MiB or 2GiB.')
    return int(float(match.group(1)) * _UNITS[unit])


def format_size(size_bytes: int) -> str:
    """`size_bytes` with a binary unit and at most one decimal, e.g. "18.9 MiB"."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")
