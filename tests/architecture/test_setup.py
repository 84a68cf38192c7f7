"""What `make demo` and `make test` rest on: locks that name no place, and a setup script that old Pythons can read."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^[a-z0-9._-]+==[0-9][0-9a-z.]*( ; .+)?$")


def _pins(lock: Path) -> list[str]:
    return [line for line in lock.read_text().splitlines() if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_pin_versions_and_nothing_of_the_place_they_were_made_in(lock: Path) -> None:
    pins = _pins(lock)
    assert pins
    assert [pin for pin in pins if not PINNED.match(pin)] == []
    of_a_build = [pin for pin in pins if pin.startswith(("nvidia", "triton", "cuda"))]
    assert [pin for pin in of_a_build if not pin.startswith("nvidia-ml-py==")] == []  # that one only asks the driver


def test_all_locks_agree() -> None:
    versions = [dict(pin.split(" ")[0].split("==") for pin in _pins(lock)) for lock in LOCKS]
    for one in versions:
        for other in versions:
            shared = one.keys() & other.keys()
            assert {name: one[name] for name in shared} == {name: other[name] for name in shared}


def test_torch_and_torchvision_are_the_matched_pair() -> None:
    pins = _pins(ROOT / "requirements" / "edge.txt")
    assert "torch==2.13.0" in pins
    assert "torchvision==0.28.0" in pins


def test_the_front_end_lock_names_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_setup_script_can_be_read_by_a_python_that_is_too_old() -> None:
    """Otherwise a person with Python 3.6 sees a SyntaxError instead of the sentence about it."""
    ast.parse((ROOT / "demo" / "bootstrap.py").read_text(), feature_version=(3, 6))
