"""What a server process holds from its start on, and when it looks for garbage among all else.

A page of Django leaves circles of objects behind (its context and the blocks of its templates), which only a collection
frees. Python starts one wherever 700 objects more are held, so mostly within a request: then all that the answer is
made of is looked through and taken for something that stays, until a collection of everything frees it.
"""

import gc
from pathlib import Path
from typing import Any

from django.core.signals import request_started
from django.template import engines
from django.urls import get_resolver

COLLECTED_FROM = 5_000  # objects: what some pages leave behind, and 4 ms
COLLECTED_ANYWAY = 20_000  # more than the largest answer is made of; what is no request gets here too
WHOLE_AFTER = 20  # collections, for what was in use during one of them


def startup_frozen() -> None:
    """To be called once, when the process is ready.

    Full collections went through 137,000 objects of modules, URLs and models, and 50,000 of templates. With 1,000 boxes
    an answer of the REST API that two of them fell into took 250 ms instead of 60.
    """
    get_resolver().url_patterns  # noqa: B018  (imports every app's views, which the first request would do)
    _templates_load()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_ANYWAY, 10, 10)
    request_started.connect(_collect, dispatch_uid="startup_frozen")


def _templates_load() -> None:
    """Those of our own, which are kept once they were parsed."""
    engine = engines["django"].engine
    for folder in map(Path, engine.dirs):
        for file in sorted(folder.rglob("*.html")):
            engine.get_template(file.relative_to(folder).as_posix())


def _collect(**_: Any) -> None:
    """Before a request, when nothing is left of the one before but garbage."""
    objects, _, collections = gc.get_count()
    if objects >= COLLECTED_FROM:
        gc.collect(2 if collections >= WHOLE_AFTER else 1)
