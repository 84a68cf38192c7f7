"""What every test may use: real recordings, a Chromium, and quick property tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from demo.chromium import chromium_found

# Several torch processes on few cores busy-wait for each other unless told otherwise, before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("quick"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "quick")


@pytest.fixture(scope="session")
def gemel_data_dir() -> Path:
    """The folder of real recordings; tests that need it are skipped without."""
    folder = os.environ.get("GEMEL_DATA_DIR", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("GEMEL_DATA_DIR names no folder of real recordings")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium of the system. Without one browser tests are skipped, but never in CI: there it is an error."""
    found = chromium_found()
    if found is None and os.environ.get("CI"):
        pytest.fail("CI needs Chromium: apt-get install chromium")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found
