"""What systemd wants to hear of a service with Type=notify: sd_notify(3), a datagram to the socket that it names.

Without the socket, as in a container or a terminal, nothing is sent and nothing is wrong.
"""

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Notifier:
    """`address`: the value of NOTIFY_SOCKET; "" for nobody. `watchdog_s`: silence that systemd bears."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        # "@" stands for the zero byte of Linux's abstract sockets.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s

    def send(self, *words: str) -> bool:
        """Never raises: what systemd does not hear, its watchdog acts on."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(words).encode(), self._address)
        except OSError as error:
            log.warning("systemd cannot be told %s: %s", words[0], error)
            return False
        return True


def notifier_of(environ: Mapping[str, str], process_id: int | None = None) -> Notifier:
    """From the environment that systemd gives. WATCHDOG_PID names the process that is meant."""
    address = environ.get("NOTIFY_SOCKET", "")
    meant = environ.get("WATCHDOG_PID", "")
    microseconds = environ.get("WATCHDOG_USEC", "")
    is_meant = not meant or meant == str(process_id or os.getpid())
    is_watched = bool(address) and is_meant and microseconds.isdigit() and int(microseconds) > 0
    return Notifier(address, int(microseconds) / 1e6 if is_watched else None)
