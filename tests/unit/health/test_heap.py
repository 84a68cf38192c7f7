"""Memory that the process no longer holds goes back to the system, where the C library can do that."""

import platform

import numpy as np
import psutil
import pytest

from edge_runtime.health.heap import give_back, limit_heaps


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_freed_blocks_below_a_live_one_go_back_to_the_system():
    assert limit_heaps()
    # Blocks too small to be mapped on their own: 64 KiB each, 128 MiB in all, and one that lives on at the top.
    blocks = [np.full(65_536, 1, np.uint8) for _ in range(2048)]
    last = blocks[-1]
    del blocks
    before = psutil.Process().memory_info().rss
    give_back()
    assert before - psutil.Process().memory_info().rss > 64 * 2**20
    assert last[0] == 1


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr("edge_runtime.health.heap._c_library", object)
    assert limit_heaps() is False
    give_back()
