"""Servers of these tests keep their data below `tmp_path / "var"`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.unprivileged import remove_room


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """Root's PostgreSQL cannot enter `tmp_path`, and has its data elsewhere."""
    yield
    remove_room(tmp_path / "var" / "postgres")
