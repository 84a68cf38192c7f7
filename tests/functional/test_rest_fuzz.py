"""Whatever is sent to any operation of the REST API is answered as its OpenAPI document says, and never breaks it.

Half of the time ids in paths and bodies are of things that exist, so that requests get past "not found". Every request
is rolled back.
"""

import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from webapp.accounts.models import ApiToken
from webapp.accounts.services import token_create

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TIME_LIMIT_S = float(os.environ.get("GEMEL_FUZZ_S", "30"))
SEED = os.environ.get("GEMEL_FUZZ_SEED")  # without one the same is sent every time: a test must not fail by chance
EXAMPLES = 6


@pytest.fixture
def ids(fleet: Any, person: Any) -> dict[str, Any]:
    """By the word in a path, or the key in a body: the id of something that exists."""
    queries = fleet.query("count cars"), fleet.query("count trucks")
    group = fleet.merged_group(*queries)
    things = {
        "site": fleet.site,
        "box": fleet.box,
        "camera": fleet.camera,
        "model": fleet.model,
        "query": queries[0],
        "data-set": fleet.dataset(),
        "merge-run": group.run,
        "merged-group": group,
        "people": person,
    }
    found = {word: str(thing.pk) for word, thing in things.items()}
    return found | {"person": found["people"], "run": found["merge-run"]}


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """As Django's own test client does: a request must not close the connection with the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(person: Any) -> str:
    return token_create(actor=person, name="fuzz", days=1, now=timezone.now())[1]


@pytest.mark.timeout(TIME_LIMIT_S + 270)
def test_every_operation_answers_as_documented(token: str, ids: dict[str, Any]) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())
    schema.config.analysis.constants.enabled = False  # it would read all of our modules for values to try
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 50
    ids["token"] = str(ApiToken.objects.get().pk)
    deadline = time.monotonic() + TIME_LIMIT_S
    statuses: set[int] = set()
    random.Random(SEED or "").shuffle(operations)  # a slow machine gets through a part of them
    for operation in operations:
        if time.monotonic() < deadline:
            statuses.update(_fuzz(operation, token, ids))
    assert {200, 404} <= statuses


def _fuzz(operation: Any, token: str, ids: dict[str, Any]) -> list[int]:
    statuses: list[int] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=SEED is None,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), exists=st.booleans())
    def answers(case: Any, exists: bool) -> None:
        if exists:
            _point_to_what_exists(case, ids)
        # This client would show gzipped answers to the checks as they are.
        own = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        case.headers = {**(case.headers or {}), **own}
        with transaction.atomic():
            response = case.call()
            transaction.set_rollback(True)
        statuses.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    answers()
    return statuses


def _point_to_what_exists(case: Any, ids: dict[str, Any]) -> None:
    collection = case.operation.path.split("/")[3]
    own = ids.get(collection) or ids.get(collection.removesuffix("s").replace("querie", "query").replace("boxe", "box"))
    for name in case.path_parameters or {}:
        known = own if name == "id" else ids.get(name.removesuffix("_id"))
        if known:
            case.path_parameters[name] = known
    if isinstance(case.body, dict):
        case.body.update({name: ids[name] for name in case.body if name in ids})
