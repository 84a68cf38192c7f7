"""The real server on a socket and a worker for its light jobs, in threads of the test; simulated boxes beside them.

    with Product() as product:
        box = product.box(folder, box_id, credential)
        ... act as a person through Django's test client, and wait until(...) boxes and pages show it

The test needs a database that other threads see (`transactional_db`) and Redis.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from django.db import connection

from edge_runtime.protocol.signing import public_key_of
from tests.simulators.box import Box
from webapp.common.database_thread import DatabaseThread
from webapp.common.signing_key import signing_key
from webapp.config.asgi import application_with
from webapp.jobs.models import Job, JobState
from webapp.rollouts.task_names import ADVANCE_ROLLOUT
from webapp.workloads.task_names import PUBLISH_BUNDLE
from workers.tasks.rollouts import advance_rollout, publish_bundle

TASKS = {PUBLISH_BUNDLE: publish_bundle, ADVANCE_ROLLOUT: advance_rollout}


class Product:
    def __init__(self) -> None:
        self.public_key = public_key_of(signing_key())
        self.boxes: list[Box] = []
        self._stopping = threading.Event()
        self._database = DatabaseThread()
        application = application_with(self._database)
        config = uvicorn.Config(application, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._threads = [
            threading.Thread(target=self._server.run, daemon=True),
            threading.Thread(target=self._work, daemon=True),
            threading.Thread(target=self._loop.run_forever, daemon=True),
        ]

    def __enter__(self) -> "Product":
        for thread in self._threads:
            thread.start()
        until(lambda: self._server.started)
        host, port = self._server.servers[0].sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    def __exit__(self, *error: Any) -> None:
        for box in list(self.boxes):
            self.stop(box)
        self._server.should_exit = True
        self._stopping.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        for thread in self._threads:
            thread.join(10)
        asyncio.run(self._database.close())  # its connection would be in the way of whoever drops the test's database

    def box(self, folder: Path, box_id: object, credential: str) -> Box:
        """Runs from now on until the product stops."""
        box = Box(self, folder, str(box_id), credential)
        asyncio.run_coroutine_threadsafe(box.start(), self._loop).result(10)
        self.boxes.append(box)
        return box

    def stop(self, box: Box) -> None:
        asyncio.run_coroutine_threadsafe(box.stop(), self._loop).result(10)
        self.boxes.remove(box)

    def _work(self) -> None:
        try:
            while not self._stopping.wait(0.1):
                for job in Job.objects.filter(state=JobState.QUEUED, task__in=TASKS):
                    TASKS[job.task](str(job.id))
        finally:
            connection.close()


def until(condition: Callable[[], object], timeout_s: float = 240.0) -> None:
    """For whatever other threads do; only a failure waits so long."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)
