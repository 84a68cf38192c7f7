"""A person looks at a box's page to see how its machine is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import AcceleratorSample, HostSample, MemorySample, Stats
from webapp.telemetry.services import stats_record

GIB = 2**30
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)
SMALL = HostSample(at=0.0, cpu_percent=41.0, memory_bytes=8 * GIB, memory_available_bytes=2 * GIB, uptime_s=7200.0)
GPU = AcceleratorSample("Tesla T4", 37.0, 16 * GIB, 4 * GIB, 58.0)


def test_figures_are_shown_with_units_and_age_and_nothing_that_was_not_measured(
    fleet: Any, browser: Client, words: Callable[[HttpResponse], str]
) -> None:
    page = reverse("dashboard:box-detail", args=[fleet.box.id])
    program = f"/api/v1/statistics/boxes/{fleet.box.id}/hardware/"
    assert browser.get(program).status_code == 404
    assert "Hardware" in words(browser.get(page))
    now = timezone.now() - timedelta(minutes=3)
    first = Stats("boot", 1, now.timestamp(), 1.0, 1, MEMORY, (), host=SMALL)
    stats_record(box=fleet.box, stats=first, now=now)
    shown = words(browser.get(page))
    assert "measured 3 min ago" in shown
    assert "41 %" in shown
    assert "2.0 GiB of 8.0 GiB available" in shown
    assert "2 h" in shown
    for unknown in ("Temperature", "Disk", "None", "°C"):
        assert unknown not in shown
    with_gpu = msgspec.structs.replace(
        SMALL, disk_bytes=64 * GIB, disk_free_bytes=5 * GIB, temperature_c=61.5, accelerators=(GPU,)
    )
    second = msgspec.structs.replace(first, seq=2, at=now.timestamp() + 5, host=with_gpu)
    stats_record(box=fleet.box, stats=second, now=now + timedelta(seconds=5))
    shown = words(browser.get(page))
    assert "5.0 GiB of 64.0 GiB free" in shown
    assert "Tesla T4 37 % busy, 4.0 GiB of 16.0 GiB used, 58 °C" in shown
    told = browser.get(program).json()
    assert (told["process_memory"], told["host"]["accelerators"][0]["name"]) == (500, "Tesla T4")
    assert "58 °C," not in shown  # its power is not known
