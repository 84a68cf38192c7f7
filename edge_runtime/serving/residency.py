"""For how much of the time each model was resident: all of its tensors on the compute device, ready to run."""

import threading
from collections.abc import Collection, Mapping, Set


class Residency:
    """Written by the executor's thread, read by whoever reports. Times are seconds of one clock."""

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._tensors: dict[str, frozenset[str]] = {}
        self._ready: frozenset[str] = frozenset()
        self._ready_s: dict[str, float] = {}
        self._began_at = self._noted_at = now

    def retarget(self, tensors: Mapping[str, Collection[str]]) -> None:
        """`tensors`: the keys of every model's, by slot. Times of models that stay are kept."""
        with self._lock:
            self._tensors = {slot: frozenset(keys) for slot, keys in tensors.items()}
            self._ready &= self._tensors.keys()
            self._ready_s = {slot: self._ready_s.get(slot, 0.0) for slot in tensors}

    def note(self, now: float, resident: Set[str]) -> None:
        """The keys of all tensors that are resident from `now` on."""
        with self._lock:
            self._add_up(now)
            self._ready = frozenset(slot for slot, keys in self._tensors.items() if keys <= resident)

    def take(self, now: float) -> dict[str, float]:
        """The share 0..1 of the time since the last call, by slot."""
        with self._lock:
            self._add_up(now)
            length_s = now - self._began_at
            shares = {slot: ready_s / length_s if length_s > 0 else 0.0 for slot, ready_s in self._ready_s.items()}
            self._began_at, self._ready_s = now, dict.fromkeys(self._ready_s, 0.0)
        return shares

    def _add_up(self, now: float) -> None:
        for slot in self._ready:
            self._ready_s[slot] += now - self._noted_at
        self._noted_at = now
