"""The demo whose pictures are taken: the one that runs on this data, or one that is started for the time being."""

import contextlib
import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from demo.instance import Instance, instance_read
from demo.processes import ROOT
from demo.product import READY_FILE

START_S = 1200.0  # an empty machine trains nothing, but collects frames for minutes
STOP_S = 60.0
CALM_S = 20.0  # boxes connect and send their first statistics


@contextlib.contextmanager
def running_demo(var_dir: Path, port: int) -> Iterator[Instance]:
    found = instance_read(var_dir)
    if found and _answers(found.url):
        yield found
        return
    print("Starting the demo; it is stopped again afterwards.", flush=True)
    command = [sys.executable, "-m", "demo", "run", "--quiet", "--var-dir", str(var_dir), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield _started(process, var_dir)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_S)


def _started(process: subprocess.Popen[bytes], var_dir: Path) -> Instance:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        found = instance_read(var_dir)
        if found and (var_dir / "run" / READY_FILE).exists():
            time.sleep(CALM_S)
            return found
        time.sleep(1.0)
    raise SystemExit("The demo did not start; what it said stands above.")


def _answers(url: str) -> bool:
    host = urlsplit(url).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", "/sign-in/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
