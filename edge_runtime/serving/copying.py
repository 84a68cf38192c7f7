"""Copies weights to the compute device all the time, to see what that costs the models that run beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from edge_runtime.scheduling.link import chunks
from edge_runtime.serving.device_memory import TensorSource
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.transfer import Source, Transfer


class Copying:
    """Of all that `skeleton` wants, in the chunks of copying ahead."""

    def __init__(self, skeleton: Skeleton, tensor: TensorSource, transfer: Transfer) -> None:
        sizes = {key: wanted.size_bytes for key, wanted in skeleton.wanted.items()}
        sources = {
            key: transfer.ready(Source(tensor(wanted.entry), wanted.dtype)) for key, wanted in skeleton.wanted.items()
        }
        self._chunks = [[sources[key] for key in chunk] for chunk in chunks(list(sizes), sizes)]
        self._transfer = transfer

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Meanwhile a thread copies all of it again and again."""
        stopping = threading.Event()
        thread = threading.Thread(target=self._copy, args=(stopping,), name="copying", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def _copy(self, stopping: threading.Event) -> None:
        torch.set_num_threads(1)  # as CopyingAhead's
        while not stopping.is_set():
            held = []
            for chunk in self._chunks:
                if not stopping.is_set():
                    held.append(self._transfer.copy(chunk))
