"""The whole product for the matrix: embedded servers, web, workers, beat, and one real box with a rendered street.

Its database is looked into directly: what is lost is counted there, and not asked of the product.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.fault import Violated
from benchmarks.faults.network import Network
from benchmarks.faults.processes import Processes
from demo import processes as parts
from demo.prepare import prepare
from demo.servers import free_port, start_servers
from demo.supervisor import ProcessSpec

BOX = "box"
RECOVER_S = 600.0  # for a machine that many others work on; a healthy one needs seconds
FRESH_S = 4.0
MEMORY_BUDGET = "200MiB"


class Product:
    """`outage_s`: how long what is stopped stays away."""

    def __init__(self, folder: Path, outage_s: float) -> None:
        self.folder, self.outage_s = folder, outage_s
        self.var, self.state = folder / "var", folder / "box"
        self.box_clock, self.server_clock = folder / "box-clock", folder / "server-clock"
        for made in (self.var / "log", self.var / "run"):
            made.mkdir(parents=True)
        self.processes = Processes(self.var / "log")
        self.box_offset_s = 0.0

    def start(self) -> None:
        for name in ("DATABASE_URL", "REDIS_URL", "GEMEL_SIGNING_KEY", "GEMEL_ENCRYPTION_KEY"):
            os.environ.pop(name, None)  # this product has servers and keys of its own
        servers = asyncio.run(start_servers(self.processes, self.var))  # type: ignore[arg-type]
        shared = parts.environment(self.var, servers) | {"DJANGO_SETTINGS_MODULE": parts.SETTINGS}
        os.environ.update(shared)
        asyncio.run(prepare(self.var, shared))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        web = parts.web(shared, "127.0.0.1", port)
        for spec in (
            self._clocked(web, self.server_clock),
            parts.light_worker(shared),
            parts.gpu_worker(shared),
            parts.beat(shared),
        ):
            self.processes.run(spec)
        os.environ["LOG_LEVEL"] = "ERROR"  # of this process; the product's are in its folder
        import django

        django.setup()
        from benchmarks.faults.fleet import Fleet  # needs Django

        self.network = Network(free_port(), port)
        self.fleet = Fleet()
        self.until(self.answers)
        self.fleet.seed(self)
        self.start_box()
        self.until(self.is_well)

    def start_box(self) -> None:
        own = {"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}
        memory = ("--memory-budget", MEMORY_BUDGET, "--device", "cpu")
        run = ("run", "--state-dir", str(self.state), *memory, "--log-format", "text")
        command = (sys.executable, "-m", "edge_runtime", *run)
        spec = ProcessSpec(BOX, command, stage=0, environment=own, folder=parts.ROOT)
        self.processes.run(self._clocked(spec, self.box_clock))

    def stop(self) -> None:
        self.processes.end_all()

    def heal(self) -> None:
        """After a fault that went wrong: whatever may still be broken is put right."""
        for clock in (self.box_clock, self.server_clock):
            clock.unlink(missing_ok=True)
        self.box_offset_s = 0.0
        self.network.cut_after = None
        self.network.flow()
        self.network.connect()
        self.processes.ensure_running()
        self.until(self.answers)
        self.fleet.put_right()

    def until(self, condition: Callable[[], object], timeout_s: float = RECOVER_S) -> float:
        """Seconds until it held. A database that is away holds nothing. Raises Violated when it takes too long."""
        from django.db import Error, connection

        started = time.monotonic()
        while True:
            try:
                if condition():
                    return time.monotonic() - started
            except Error:
                connection.close()
            if time.monotonic() - started > timeout_s:
                raise Violated(f"{getattr(condition, '__doc__', None) or 'it'} did not happen in {timeout_s:.0f} s")
            time.sleep(0.1)

    def answers(self) -> bool:
        """an answer of the web server"""
        import httpx

        try:
            return httpx.get(f"{self.url}/sign-in/", timeout=2.0, follow_redirects=True).status_code < 500
        except httpx.HTTPError:
            return False

    def is_well(self) -> bool:
        """all being well again"""
        return self.fleet.is_at_target() and self.fleet.sample_age_s(self.box_offset_s) < FRESH_S

    def recovered(self) -> float:
        """Seconds until the box is at its target and something that it measured from now on has come."""
        started = time.monotonic()

        def is_heard() -> bool:
            """all being well again, with statistics measured since"""
            age_s = self.fleet.sample_age_s(self.box_offset_s)
            return age_s < time.monotonic() - started and self.fleet.is_at_target()

        return self.until(is_heard)

    def lost(self) -> int:
        return self.fleet.samples_missing()

    @staticmethod
    def _clocked(spec: ProcessSpec, clock: Path) -> ProcessSpec:
        """`python -m MODULE ...` with a clock that can be moved."""
        python, _, *rest = spec.command
        command = (python, "-m", "benchmarks.faults.clocked", str(clock), *rest)
        return ProcessSpec(
            spec.name, command, spec.stage, spec.environment, spec.stop_signal, spec.grace_s, folder=spec.folder
        )
