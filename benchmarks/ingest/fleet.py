"""A fleet for simulated boxes, straight into the database: run with the product's environment.

python -m benchmarks.ingest.fleet COUNT FILE     writes the boxes with their credentials, and a session of a person
"""

import sys
from pathlib import Path
from uuid import uuid4

import django
import msgspec

QUERIES = 2


class SeededBox(msgspec.Struct, frozen=True):
    box: str
    credential: str
    camera: str
    queries: tuple[str, ...]


class SeededFleet(msgspec.Struct, frozen=True):
    """`cookie`: of a signed-in person who may see all of it."""

    boxes: tuple[SeededBox, ...]
    cookie: str


def seed(count: int) -> SeededFleet:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.utils import timezone

    from webapp.accounts.models import Person
    from webapp.common.secret import secret_hash
    from webapp.fleets.models import Box, Camera, Site
    from webapp.workloads.models import CheckState, Model, Query

    now = timezone.now()
    site = Site.objects.create(name=f"bench {uuid4().hex[:8]}", created_at=now)
    model = Model.objects.create(
        site=site,
        name="cars",
        architecture="squeezenet1_1",
        task="classification",
        classes=["car", "truck"],
        input_height=32,
        input_width=32,
        state=CheckState.READY,
        created_at=now,
    )
    credentials = [uuid4().hex for _ in range(count)]
    boxes = Box.objects.bulk_create(
        Box(
            site=site,
            name=f"box {number:04}",
            created_at=now,
            enrolled_at=now,
            credential_at=now,
            credential_hash=secret_hash(credential),
        )
        for number, credential in enumerate(credentials)
    )
    cameras = Camera.objects.bulk_create(
        Camera(box=box, name="gate", source="scene://crossing?seed=1", created_at=now) for box in boxes
    )
    queries = Query.objects.bulk_create(
        Query(
            camera=camera,
            model=model,
            name=f"query {number}",
            objects_wanted=["car"],
            accuracy_target=0.9,
            rate_fps=5.0,
            deadline_ms=500,
            created_at=now,
        )
        for camera in cameras
        for number in range(QUERIES)
    )
    person = Person.objects.create_superuser(f"bench-{uuid4().hex[:8]}")
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    seeded = tuple(
        SeededBox(
            str(box.id),
            credential,
            str(camera.id),
            tuple(str(query.id) for query in queries[place * QUERIES : (place + 1) * QUERIES]),
        )
        for place, (box, credential, camera) in enumerate(zip(boxes, credentials, cameras, strict=True))
    )
    return SeededFleet(seeded, f"{settings.SESSION_COOKIE_NAME}={session.session_key}")


if __name__ == "__main__":
    django.setup()
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(seed(int(sys.argv[1]))))
