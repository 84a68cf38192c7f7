"""systemd's protocol over real datagram sockets, and a process that ends itself because a part of it hangs."""

import os
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from edge_runtime.health.systemd import Notifier
from edge_runtime.health.watchdog import EXIT_STUCK

ROOT = Path(__file__).parents[2]
# Two parts: one is well, one gets stuck with the third look.
STUCK = """
import os, sys, time
from edge_runtime.health.systemd import READY, notifier_of
from edge_runtime.health.watchdog import Part, Watchdog
looks = iter([0.0, 0.0])
watchdog = Watchdog(
    [Part("Reading", lambda: 0.0, 5.0), Part("Running the models", lambda: next(looks, 9.0), 5.0)],
    notifier_of(os.environ),
)
watchdog.start()
notifier_of(os.environ).send(READY)
time.sleep(60)
"""


@pytest.fixture
def systemd(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        yield listener


def test_a_path_and_an_abstract_address_are_both_understood(systemd):
    assert Notifier(systemd.getsockname()).send("READY=1", "STATUS=well")
    assert systemd.recv(100) == b"READY=1\nSTATUS=well"
    name = f"gemel-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        abstract.bind(f"\0{name}")
        abstract.settimeout(5)
        assert Notifier(f"@{name}").send("WATCHDOG=1")
        assert abstract.recv(100) == b"WATCHDOG=1"


def test_a_process_with_a_part_that_hangs_stops_feeding_says_where_and_ends(systemd):
    environment = {**os.environ, "NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "600000"}
    box = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    heard = [systemd.recv(1000) for _ in range(4)]
    _, written = box.communicate(timeout=30)
    assert box.returncode == EXIT_STUCK
    assert heard[:3] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    assert heard[3].startswith(b"STATUS=Running the models made no progress")
    assert "Running the models made no progress for 5 s." in written
    assert 'File "<string>", line 12' in written  # where the main thread stood
