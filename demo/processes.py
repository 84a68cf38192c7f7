"""The processes that make the product: web, beat, two workers, and a box. See supervisor.py for how they are run."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from demo.servers import Servers
from demo.supervisor import ProcessSpec

ROOT = Path(__file__).resolve().parents[1]
WEB_STAGE, WORK_STAGE = 1, 2
SETTINGS = "webapp.config.settings.development"
STOP_GRACE_S = 5.0
BOX_NICENESS = 5  # a box takes all it can get, and the pages are on the same machine; training yields to both
# Running as root is allowed here, and small static files may be streamed either way.
HARMLESS = ("You're running the worker with superuser privileges", "StreamingHttpResponse must consume")


@dataclass(frozen=True)
class BoxProcess:
    """How the demo starts one box. `name` is also its folder under var/boxes."""

    name: str
    memory_budget: str
    swap_bandwidth: str


def environment(var_dir: Path, servers: Servers) -> dict[str, str]:
    """What every process of the server side needs to find the others."""
    return {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", SETTINGS),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "GEMEL_VAR_DIR": str(var_dir),
        # Several torch processes on few cores busy-wait for each other unless told otherwise.
        "OMP_WAIT_POLICY": "passive",
        "PYTHONWARNINGS": ",".join(f"ignore:{start}" for start in HARMLESS),
    }


def web(shared: dict[str, str], host: str, port: int) -> ProcessSpec:
    arguments = ("webapp.config.asgi:application", "--host", host, "--port", str(port), "--lifespan", "off")
    limits = ("--ws-max-size", "2097152")
    quiet = ("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1")
    return _python("web", WEB_STAGE, shared, "-m", "uvicorn", *arguments, *limits, *quiet)


def beat(shared: dict[str, str]) -> ProcessSpec:
    """Only sends tasks by name, so it does without the workers' app and what that imports."""
    return _celery("beat", WORK_STAGE, shared, "webapp.celery", "beat", "--pidfile=")


def light_worker(shared: dict[str, str]) -> ProcessSpec:
    """Short work such as checking an upload: two threads, so that one slow check does not hold up the next."""
    return _worker("worker-light", "light", shared, "--pool=threads", "--concurrency=2")


def gpu_worker(shared: dict[str, str]) -> ProcessSpec:
    """One training at a time: prefork breaks CUDA, so `solo`; the training itself runs in a child process."""
    return _worker("worker-gpu", "gpu", shared, "--pool=solo")


def box(shared: dict[str, str], var_dir: Path, spec: BoxProcess) -> ProcessSpec:
    """On the processor, also where there is a GPU: budgets are of few MiB, and CUDA's own memory alone is more."""
    limits = ("--memory-budget", spec.memory_budget, "--swap-bandwidth", spec.swap_bandwidth)
    where = ("--state-dir", str(box_dir(var_dir, spec.name)))
    own = {name: value for name, value in shared.items() if name.startswith("OMP_")} | {"OMP_NUM_THREADS": "1"}
    process = _python(spec.name, WORK_STAGE, own, "-m", "edge_runtime", "run", *where, *limits, "--device", "cpu")
    return replace(process, niceness=BOX_NICENESS)


def watch(shared: dict[str, str], url: str, started_at: float) -> ProcessSpec:
    """Tells how long things took. `started_at`: Unix seconds of the start of the demo."""
    return _python("times", WORK_STAGE, shared, "-m", "demo.watch", url, str(started_at))


def box_dir(var_dir: Path, name: str) -> Path:
    return var_dir / "boxes" / name


def _worker(name: str, queue: str, shared: dict[str, str], *pool: str) -> ProcessSpec:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
    address = ("--queues", queue, "--hostname", f"{queue}@%h")
    return _celery(name, WORK_STAGE, shared, "workers.app", "worker", *address, *pool, *quiet)


def _celery(name: str, stage: int, shared: dict[str, str], app: str, *arguments: str) -> ProcessSpec:
    return _python(name, stage, shared, "-m", "celery", "--quiet", "--app", app, *arguments)


def _python(name: str, stage: int, shared: dict[str, str], *arguments: str) -> ProcessSpec:
    return ProcessSpec(
        name=name,
        command=(sys.executable, *arguments),
        stage=stage,
        environment=shared,
        folder=ROOT,
        grace_s=STOP_GRACE_S,
    )
