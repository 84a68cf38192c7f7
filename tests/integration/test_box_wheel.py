"""The box's own wheel: everything of edge_runtime, nothing of the server."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "edge_runtime"
SERVER_ONLY = ("django", "celery", "channels", "psycopg", "redis")


def project():
    return tomllib.loads((PACKAGE / "pyproject.toml").read_text())


def test_names_every_package_that_has_modules():
    folders = {path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py") if "build" not in path.parts}
    assert set(project()["tool"]["setuptools"]["packages"]) == {".".join(folder.parts) for folder in folders}


def test_needs_nothing_of_the_server():
    needed = " ".join(project()["project"]["dependencies"]).lower()
    assert not [name for name in SERVER_ONLY if name in needed]


def test_builds_a_wheel_with_the_command_in_it(tmp_path):
    source = shutil.copytree(PACKAGE, tmp_path / "edge_runtime", ignore=shutil.ignore_patterns("__pycache__", "build"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", source],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    (wheel,) = (tmp_path / "dist").glob("gemel_edge-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {name for name in names if name.endswith(".py")}
    assert modules == {str(path.relative_to(tmp_path)) for path in source.rglob("*.py") if "build" not in path.parts}
    (entry,) = (name for name in names if name.endswith("entry_points.txt"))
    assert b"gemel-edge = edge_runtime.__main__:main" in zipfile.ZipFile(wheel).read(entry)
