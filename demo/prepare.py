"""Brings database and static files up to date before the web application starts."""

import asyncio
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.processes import ROOT
from edge_runtime.protocol.errors import GemelError
from webapp.common.static_storage import trimmed_by

KEPT_LINES = 15
_ELSEWHERE = ("--ignore", ".venv", "--ignore", "node_modules", "--ignore", "var")  # where catalogues of others are


class PrepareError(GemelError):
    code = "demo_prepare"


async def prepare(var_dir: Path, shared: Mapping[str, str]) -> None:
    """Migrates, collects static files and compiles translations, at the same time. Raises PrepareError."""
    await asyncio.gather(migrate(shared), _collect_static(var_dir, shared), _compile_translations(shared))


async def migrate(shared: Mapping[str, str]) -> None:
    await run_python(shared, "manage.py", "migrate", "--no-input", "-v", "0", doing="bring the database up to date")


async def run_python(shared: Mapping[str, str], *arguments: str, doing: str) -> str:
    """What the command printed. `doing` completes "could not ..." in the sentence for a person."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, **shared},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = (await process.communicate())[0].decode(errors="replace")
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode != 0:
        last = "\n".join(output.splitlines()[-KEPT_LINES:])
        raise PrepareError(f"{last}\nCould not {doing}; the reason is above. Your data is kept.")
    return output


async def _collect_static(var_dir: Path, shared: Mapping[str, str]) -> None:
    """Takes seconds, so it is left out when neither our own files nor the front-end packages changed."""
    stamp, state = var_dir / "run" / "static", _static_state()
    if stamp.exists() and stamp.read_text() == state and (var_dir / "static").is_dir():
        return
    command = ("manage.py", "collectstatic", "--no-input", "-v", "0")
    await run_python(shared, *command, doing="collect the static files")
    stamp.write_text(state)


async def _compile_translations(shared: Mapping[str, str]) -> None:
    """Does nothing, and needs no gettext tools, where no catalogue is newer than what was made of it."""
    for catalogue in (ROOT / "webapp" / "locale").rglob("*.po"):
        compiled = catalogue.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime_ns < catalogue.stat().st_mtime_ns:
            await run_python(
                shared, "manage.py", "compilemessages", "-v", "0", *_ELSEWHERE, doing="compile the translations"
            )
            return


def _static_state() -> str:
    """Of templates and code, too: the style sheet is trimmed to what they name. Settings are among them."""
    served = {path for path in (ROOT / "webapp" / "static").rglob("*") if path.is_file()}
    parts = [f"{path} {path.stat().st_mtime_ns}" for path in sorted(served.union(trimmed_by(ROOT)))]
    parts.append((ROOT / "package-lock.json").read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
