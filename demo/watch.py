"""Tells in the log of `make demo` how long things took, measured as a browser would see them.

`python -m demo.watch URL STARTED_AT`: the first annotated picture arriving over the live WebSocket of a signed-in
person, and every merge run that ends. STARTED_AT: Unix seconds.
"""

import contextlib
import sys
import time

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import close_old_connections  # noqa: E402
from django.utils import timezone  # noqa: E402
from websockets.exceptions import WebSocketException  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402
from websockets.typing import Origin  # noqa: E402

from demo.password import ADMINISTRATOR  # noqa: E402
from demo.people import session_of  # noqa: E402
from edge_runtime.protocol.messages import decode_preview  # noqa: E402
from edge_runtime.protocol.sizes import format_size  # noqa: E402
from webapp.fleets.models import Camera  # noqa: E402
from webapp.merges.models import MergeRun, MergeRunState  # noqa: E402

PAUSE_S = 2.0
PICTURE_TIMEOUT_S = 300.0


def watch(url: str, started_at: float) -> None:
    picture = _first_picture(url, started_at)
    print(picture, flush=True)
    seen_until = timezone.now()
    while True:
        close_old_connections()
        for run in MergeRun.objects.filter(ended_at__gt=seen_until).order_by("ended_at").select_related("box"):
            print(_told(run), flush=True)
            seen_until = run.ended_at or seen_until
        time.sleep(PAUSE_S)


def _first_picture(url: str, started_at: float) -> str:
    deadline = time.monotonic() + PICTURE_TIMEOUT_S
    with session_of(ADMINISTRATOR) as session:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                camera = _wait_for_picture(url, session)
                return f"First annotated picture after {time.time() - started_at:.1f} s, of {camera}."
            time.sleep(0.5)
    return f"No picture arrived within {PICTURE_TIMEOUT_S:.0f} s; the page of a box says what it lacks."


def _wait_for_picture(url: str, session: str) -> str:
    """The camera of the first picture that arrives. Raises TimeoutError."""
    cameras = {str(camera.id): camera.name for camera in Camera.objects.all()}
    cookie = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
    address = url.replace("http", "ws", 1) + "/ws/live"
    with connect(address, additional_headers=cookie, origin=Origin(url), open_timeout=5) as live:
        _subscribe(live, list(cameras))
        while True:
            message = live.recv(timeout=15)
            if isinstance(message, bytes):
                return cameras[decode_preview(message)[0].camera]


def _subscribe(live: ClientConnection, cameras: list[str]) -> None:
    topics = ",".join(f'"camera:{camera}"' for camera in cameras)
    live.send(f'{{"subscribe": [{topics}]}}')


def _told(run: MergeRun) -> str:
    duration_s = ((run.ended_at or run.created_at) - (run.started_at or run.created_at)).total_seconds()
    if run.state != MergeRunState.SUCCEEDED:
        return f"The merge run of {run.box} ended as {run.state} after {duration_s:.0f} s. {run.problem}"
    before, after = format_size(run.bytes_before), format_size(run.bytes_after)
    return f"The merge run of {run.box} took {duration_s:.0f} s: weights {before} before, {after} after."


if __name__ == "__main__":
    watch(sys.argv[1], float(sys.argv[2]))
