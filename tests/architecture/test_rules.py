"""The rules of docs/architecture.md that a linter or an interpreter can check."""

import ast
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "numpy", "cv2", "av")
LINES_MAX = 500
PACKAGES = ("demo", "webapp", "workers", "edge_runtime", "tests", "benchmarks")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.config.settings.test"}
    environment.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")
    environment.setdefault("REDIS_URL", "redis://127.0.0.1:9/0")
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)


def _loaded_by(module: str, *watched: str) -> str:
    ended = _run(
        sys.executable,
        "-c",
        f"import sys, {module}; print(sorted(set({watched!r}) & set(sys.modules)))",
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def _python_files() -> list[Path]:
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def test_import_contracts_are_kept() -> None:
    ended = _run(str(Path(sysconfig.get_path("scripts")) / "lint-imports"), "--no-cache")
    assert ended.returncode == 0, ended.stdout


def test_the_web_application_runs_without_the_ml_stack() -> None:
    assert _loaded_by("webapp.config.asgi", *HEAVY) == "[]"


@pytest.mark.parametrize("package", ["protocol", "scheduling"])
def test_pure_packages_load_neither_the_ml_stack_nor_the_network(package: str) -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "edge_runtime" / package).rglob("*.py")
        if path.name != "__init__.py"
    )
    assert modules
    assert _loaded_by(", ".join(modules), *HEAVY, "httpx", "websockets", "django") == "[]"


def test_no_migration_is_missing() -> None:
    ended = _run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_file_is_too_long_to_read_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _python_files()
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _python_files()
        if path.name not in ("__init__.py", "apps.py")
        and "tests" not in path.relative_to(ROOT).parts
        and "migrations" not in path.parts
        and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert silent == []
