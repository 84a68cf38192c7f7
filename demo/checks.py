"""`make check`: what CI runs before the tests. Every check runs, so that one run shows everything that is wrong."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
STRICT = ("edge_runtime/protocol", "edge_runtime/scheduling", "workers/merging", "demo")
DOCKERFILES = ("deploy/server.Dockerfile", "deploy/edge.Dockerfile")
NO_DATABASE = {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9/0"}


def main() -> int:
    failed = [name for name, command in _checks() if not _passes(name, command)]
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.", flush=True)
    return 1 if failed else 0


def _checks() -> list[tuple[str, list[str]]]:
    """(name, command) of each check that this machine can run."""
    services = sorted({str(path.relative_to(ROOT)) for path in (ROOT / "webapp").glob("*/services*")})
    found = [
        ("format", [_script("ruff"), "format", "--check", "."]),
        ("lint", [_script("ruff"), "check", "."]),
        ("types", [_script("mypy"), *STRICT, *services]),
        ("imports", [_script("lint-imports"), "--no-cache"]),
        ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
        ("schema", [sys.executable, "manage.py", "spectacular", "--fail-on-warn", "--file", os.devnull]),
        ("locks", [sys.executable, "-m", "pip", "check"]),
        ("dockerfiles", [_script("hadolint"), "--config", "deploy/hadolint.yaml", *DOCKERFILES]),
    ]
    compose = next(filter(None, map(shutil.which, ("docker-compose",))), None)
    if compose:
        found.append(("compose", [compose, "--env-file", "deploy/example.env", "config", "--quiet"]))
    return found


def _passes(name: str, command: list[str]) -> bool:
    environment = {**os.environ, **NO_DATABASE, "DJANGO_SETTINGS_MODULE": "webapp.config.settings.test"}
    ended = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    print(f"{'ok  ' if ended.returncode == 0 else 'FAIL'} {name}", flush=True)
    if ended.returncode != 0:
        print(ended.stdout + ended.stderr, flush=True)
    return ended.returncode == 0


def _script(name: str) -> str:
    return str(SCRIPTS / name)


if __name__ == "__main__":
    sys.exit(main())
