"""Processes that can be killed often: forks of one that has imported PyTorch, which alone takes seconds.

    fork = forked(main, *arguments, output=path)  # `main` of a module in IMPORTED; it prints to `output`
    os.kill(fork.pid, signal.SIGKILL); fork.join(); fork.exitcode

To everybody else such a process is like any other: its own memory, signals, files and end.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

IMPORTED = ("tests.simulators.lone_box", "tests.simulators.merge_process")
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*IMPORTED])


def forked(main: Callable[..., Any], *arguments: Any, output: Path) -> BaseProcess:
    process = _CONTEXT.Process(target=_run, args=(main, arguments, output), daemon=True)
    process.start()
    return process


def _run(main: Callable[..., Any], arguments: tuple[Any, ...], output: Path) -> None:
    with output.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
    main(*arguments)
