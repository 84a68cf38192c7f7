"""A worker process says that it lives: from a thread, since a merge run keeps a solo worker from answering for hours.

A worker that lives and does nothing is seen by its jobs' leases.
"""

import logging
import threading
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from django.db import Error, connection
from django.utils import timezone

from webapp.jobs.services import worker_gone, worker_seen

EVERY_S = 15.0

logger = logging.getLogger(__name__)
_stopping = threading.Event()


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    name, queues = sender.hostname, list(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_beat, args=(name, queues), name="heartbeat", daemon=True).start()


@worker_shutdown.connect
def stop(sender: Any, **_: Any) -> None:
    _stopping.set()
    _quietly(lambda: worker_gone(name=sender.hostname))


def _beat(name: str, queues: list[str]) -> None:
    while not _stopping.is_set():
        _quietly(lambda: worker_seen(name=name, queues=queues, now=timezone.now()))
        connection.close()
        _stopping.wait(EVERY_S)


def _quietly(work: Any) -> None:
    """A database that is away must not end the worker, nor the thread."""
    try:
        work()
    except Error as error:
        logger.warning("The worker could not say that it lives: %s", error)
