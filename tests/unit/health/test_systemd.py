"""What the environment that systemd gives means. Real sockets: tests/integration/test_box_watchdog.py."""

import pytest

from edge_runtime.health.systemd import Notifier, notifier_of


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": "/run/n"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000"}, 60.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "12"}, 60.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "13"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "60000000"}, None),
    ],
)
def test_reads_how_often_systemd_wants_to_hear(environ, watchdog_s):
    assert notifier_of(environ, process_id=12).watchdog_s == watchdog_s


def test_nobody_to_tell_is_no_error():
    assert Notifier().send("READY=1") is False


def test_a_socket_that_is_gone_is_no_error(tmp_path):
    assert Notifier(str(tmp_path / "gone")).send("READY=1") is False
