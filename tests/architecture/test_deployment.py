"""What an installation looks like from outside: Django's own deployment checks, and pages that need nobody else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "webapp.config.settings.production",
    "SECRET_KEY": "a-key-of-more-than-fifty-characters-that-is-used-for-nothing-else",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "ALLOWED_HOSTS": "fleet.example.org",
}
_EXTERNAL = re.compile(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""")
_INLINE = re.compile(r"""<script(?![^>]*\bsrc=)(?![^>]*type="application/json")|\son[a-z]+\s*=\s*["']|javascript:""")


def _files(*patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def test_djangos_deployment_checks_find_nothing() -> None:
    command = [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING"]
    ended = subprocess.run(
        command, check=False, cwd=ROOT, env={**os.environ, **PRODUCTION}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_a_missing_setting_stops_the_start_with_its_name(missing: str) -> None:
    environment = {name: value for name, value in {**os.environ, **PRODUCTION}.items() if name != missing}
    command = [sys.executable, "-c", "import webapp.config.settings.production"]
    ended = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode != 0
    assert missing in ended.stderr


def test_a_setting_out_of_its_range_stops_the_start_with_its_name() -> None:
    command = [sys.executable, "-c", "import webapp.config.settings.production"]
    environment = {**os.environ, **PRODUCTION, "GEMEL_POLL_S": "0"}
    ended = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode != 0
    assert "GEMEL_POLL_S: boxes ask for their target state every 1 to 600 seconds." in ended.stderr


def test_pages_and_their_files_name_no_other_host() -> None:
    files = _files("templates/**/*.html", "webapp/static/**/*.css", "webapp/static/**/*.js")
    assert len(files) > 100
    assert [str(path) for path in files if _EXTERNAL.search(path.read_text())] == []


def test_templates_have_no_inline_script() -> None:
    assert [str(path) for path in _files("templates/**/*.html") if _INLINE.search(path.read_text())] == []
