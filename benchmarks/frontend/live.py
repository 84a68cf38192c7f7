"""Live messages to a page, as its WebSocket brings them, sped up: the page's own scripts do all the rest."""

import itertools
import json
import random
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from benchmarks.frontend.claims import Chart, Heap
from edge_runtime.protocol.messages import CameraSample, MemorySample, QuerySample, Report, Stats, encode_preview

MIB = 2**20
_RECORD_FRAMES = """(seconds) => new Promise((done) => {
  const times = [];
  const next = (at) => {
    times.push(at);
    if (at - times[0] < 1000 * seconds) requestAnimationFrame(next);
    else done(times);
  };
  requestAnimationFrame(next);
})"""
_PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


class LiveSocket:
    """Stands for the server behind a page's `/ws/live`; the page has to be opened after this."""

    def __init__(self, page: Any) -> None:
        self._socket: Any = None
        page.route_web_socket("**/ws/live", self._opened)

    def _opened(self, socket: Any) -> None:
        self._socket = socket
        socket.on_message(lambda _: None)  # nobody answers to subscriptions: what is sent is what the page shows

    def tell(self, topic: str, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"topic": topic, "kind": kind, **fields}))

    def show(self, camera: str, at: float, jpeg: bytes) -> None:
        self._socket.send(encode_preview(camera, at, jpeg))


class BoxLife:
    """A second at a time of a box's figures, as it would send them."""

    def __init__(self, box: Any, cameras: Sequence[Any], queries: Sequence[Any]) -> None:
        self.topic, self.site = f"box:{box.pk}", f"site:{box.site_id}"
        self.cameras = [str(camera.pk) for camera in cameras]
        self._queries = [str(query.pk) for query in queries]
        self._random, self._at, self._seq = random.Random(1), time.time(), 0

    def second(self) -> dict[str, Any]:
        self._at += 1.0
        self._seq += 1
        private, shared, activations = (size * MIB for size in (self._random.randint(60, 110), 60, 30))
        free = 256 * MIB - private - shared - activations - 20 * MIB
        memory = MemorySample(256 * MIB, private, shared, activations, 20 * MIB, free, 300 * MIB)
        cameras = tuple(CameraSample(camera, "running", 25.0) for camera in self.cameras)
        queries = tuple(self._query(query) for query in self._queries)
        return msgspec.to_builtins(Stats("bench", self._seq, self._at, 1.0, 1, memory, queries, cameras, 80.0))

    def _query(self, query: str) -> QuerySample:
        lost, latency = self._random.randint(0, 2), self._random.uniform(30, 90)
        agreement = self._random.uniform(0.93, 1.0)
        counts, appeared = {"car": self._random.uniform(0, 5)}, {"car": self._random.randint(0, 1)}
        frames = (5 + lost, 5, lost, 0)
        return QuerySample(query, *frames, latency, 2 * latency, 1, 12.0, agreement, 1, counts, appeared)

    @property
    def at(self) -> float:
        return self._at


def heap(page: Any, socket: LiveSocket, life: BoxLife, jpeg: bytes, minutes: int, name: str) -> Heap:
    """The open page gets `minutes` of its box's life: figures and pictures every second; every minute the box's report
    and a change at its site, on which the parts of a page fetch themselves again."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    report, messages = msgspec.to_builtins(Report("running", "", "digest", 1)), 0
    used, nodes, listeners = [], [], []
    for _ in range(minutes):
        for _ in range(60):
            socket.tell(life.topic, "stats", stats=life.second())
            for camera in life.cameras[:1]:
                socket.show(camera, life.at, jpeg)
            messages += 1 + len(life.cameras[:1])
        socket.tell(life.topic, "report", report=report)
        socket.tell(life.site, "changed")
        page.wait_for_timeout(600)  # parts that refetch themselves do so after 400 ms
        page.evaluate(_PAINTED)
        devtools.send("HeapProfiler.collectGarbage")
        used.append(round(devtools.send("Runtime.getHeapUsage")["usedSize"]))
        metrics = {found["name"]: found["value"] for found in devtools.send("Performance.getMetrics")["metrics"]}
        nodes.append(round(metrics["Nodes"]))
        listeners.append(round(metrics["JSEventListeners"]))
    devtools.detach()
    return Heap(name, messages, tuple(used), tuple(nodes), tuple(listeners))


def chart(page: Any, socket: LiveSocket, run: Any, names: Sequence[str], points: int, seconds: int) -> Chart:
    """The open page of a merge run gets `points` evaluations at once, then one a second while frames are counted."""
    topic, at = f"merge-run:{run.pk}", 0
    for at in range(1, points + 1):
        socket.tell(topic, "event", event=_event(at, names), seq=at)
    page.evaluate(_PAINTED)
    page.wait_for_timeout(1000)
    page.evaluate(f"() => {{ window.frames_of_bench = ({_RECORD_FRAMES})({seconds}); }}")
    for _ in range(seconds):
        at += 1
        socket.tell(topic, "event", event=_event(at, names), seq=at)
        page.wait_for_timeout(1000)
    times = page.evaluate("() => window.frames_of_bench")
    drawn = [int((now - times[0]) // 1000) for now in times]
    longest = max(later - earlier for earlier, later in itertools.pairwise(times))
    return Chart(points, len(names), tuple(drawn.count(second) for second in range(seconds)), round(longest, 1))


def _event(at: int, names: Sequence[str]) -> dict[str, Any]:
    """An evaluation, as the merging core tells it (docs/merging.md)."""
    queries = [
        {
            "name": name,
            "relative_accuracy": 0.97 + 0.02 * random.Random(f"{name} {at}").uniform(-1, 1),
            "lower_bound": 0.95,
            "upper_bound": 0.99,
            "basis": "agreement",
            "target_met": True,
        }
        for name in names
    ]
    return {
        "type": "evaluated" if at > 1 else "started",
        "seconds": float(at),
        "samples_seen": 32 * at,
        "bytes_before": 120 * MIB,
        "bytes_after": 80 * MIB,
        "saved_bytes": 40 * MIB,
        "step": at,
        "steps_planned": 10_000,
        "trying": f"Training the layers of step {at}.",
        "queries": queries,
    }
