"""What every test may use: real recordings, a Chromium, quick property tests, a database that is soon emptied."""

import os
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """After a test that commits only tables with rows are emptied. Django's own way takes several times as long: it
    empties all and then writes permissions and content types anew, which nothing here reads."""
    from django.test import TransactionTestCase

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", lambda _: _empty_database())
        yield


def _empty_database() -> None:
    from django.db import connection

    kept = {"auth_permission", "django_content_type", "django_site"}  # as migrating left them
    with connection.cursor() as cursor:
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - kept
        cursor.execute(" UNION ALL ".join(f"(SELECT '{table}' FROM \"{table}\" LIMIT 1)" for table in tables))
        if filled := [f'"{name}"' for (name,) in cursor.fetchall()]:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
