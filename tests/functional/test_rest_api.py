"""The REST API: what a program may do with a token is what its person may do, and a refusal says why."""

import errno
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import ApiToken, Person
from webapp.accounts.services import token_create
from webapp.audit.models import AuditEvent
from webapp.fleets.models import Box, Camera, Role
from webapp.fleets.services import box_create, site_create
from webapp.jobs.services import job_enqueue
from webapp.merges.models import MergedGroup, MergedGroupState, MergeRun
from webapp.rollouts.models import Bundle
from webapp.rollouts.selectors import current_bundle
from webapp.workloads.models import Model, Query
from webapp.workloads.services import model_recognise_record

V1 = "/api/v1"


class Program:
    """A client that sends a token, as a script would: no session, no CSRF token."""

    def __init__(self, person) -> None:
        _, self.secret = token_create(actor=person, name="script", days=30, now=timezone.now())
        self._client = Client(enforce_csrf_checks=True)

    def __call__(self, method: str, path: str, body=None, content_type="application/json", **extra):
        headers = {"Authorization": f"Bearer {self.secret}"}
        send = getattr(self._client, method)
        if content_type != "application/json":
            return send(V1 + path, body, headers=headers, **extra)
        return send(V1 + path, body, content_type, headers=headers, **extra)


@pytest.fixture
def program(person):
    return Program(person)


@pytest.fixture
def program_of(fleet):
    return lambda role: Program(fleet.member(role))


def test_a_program_does_what_the_pages_do(program, fleet):
    box = program("post", "/boxes/", {"site": fleet.site.pk, "name": "south gate"})
    assert box.status_code == 201
    assert len(box.json()["join_code"]) == 14
    camera = program("post", "/cameras/", {"box": box.json()["box"], "name": "exit", "source": "rtsp://u:secret@c/1"})
    assert camera.status_code == 201
    assert "secret" not in camera.content.decode()
    entry = {"camera": camera.json()["id"], "model": fleet.model.pk, "name": "count cars", "objects": ["car"]}
    query = program("post", "/queries/", entry).json()
    assert query["priority"] == 1
    sampled = program("patch", f"/cameras/{entry['camera']}/", {"sample_every_s": 45})
    assert (sampled.status_code, sampled.json()["sample_every_s"]) == (200, 45)
    too_often = program("patch", f"/cameras/{entry['camera']}/", {"sample_every_s": 1})
    assert "every 2 to 3600 seconds" in too_often.json()["fields"]["sample_every_s"][0]
    changed = program("patch", f"/queries/{query['id']}/", {"accuracy_target": 0.8, "priority": 3}).json()
    assert (changed["accuracy_target"], changed["priority"]) == (0.8, 3)
    assert program("get", f"/queries/?box={box.json()['box']}").json()["count"] == 1
    assert program("delete", f"/queries/{query['id']}/").status_code == 204
    assert not Query.objects.exists()


def test_a_model_is_uploaded(program, fleet):
    entry = {"site": fleet.site.pk, "name": "lorries", "architecture": "squeezenet1_1", "classes": ["a", "b"]}
    entry |= {"input_height": 64, "input_width": 64, "weights": ContentFile(b"weights", name="w.safetensors")}

    response = program("post", "/models/", entry, content_type="multipart/form-data")

    assert response.status_code == 201, response.content
    assert response.json()["state"] == "checking"
    assert Model.objects.get(name="lorries").classes == ["a", "b"]


def test_a_model_that_was_recognised_is_described(program, fleet):
    entry = {"site": fleet.site.pk, "name": "lorries", "weights": ContentFile(b"weights", name="w.safetensors")}
    answer = program("post", "/models/", entry, content_type="multipart/form-data").json()
    assert (answer["state"], answer["architecture"], answer["recognition"]) == ("recognising", "", {})

    candidates = [{"architecture": "resnet18", "task": "classification", "classes": 2, "input_size": None}]
    found = {"tensors": 122, "size_bytes": 9, "candidates": candidates}
    model_recognise_record(model=Model.objects.get(name="lorries"), recognition=found, now=timezone.now())
    model = f"/models/{answer['id']}/"
    assert program("get", model).json()["recognition"]["candidates"][0]["architecture"] == "resnet18"

    wrong = program("post", f"{model}describe/", {"classes": ["a"], "input_height": 64, "input_width": 64})
    assert wrong.json()["fields"] == {"classes": [wrong.json()["message"]]}
    assert "were trained for 2 classes" in wrong.json()["message"]
    assert "input size" in program("post", f"{model}describe/", {"classes": ["a", "b"]}).json()["message"]
    right = program("post", f"{model}describe/", {"classes": ["a", "b"], "input_height": 64, "input_width": 64})
    assert (right.json()["state"], right.json()["architecture"]) == ("checking", "resnet18")


def test_a_decision_leaves_its_reason_and_the_token_in_the_log(program, fleet):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))

    response = program("post", f"/merged-groups/{group.pk}/decisions/", {"verdict": "approve", "reason": "looks good"})

    assert response.status_code == 201
    assert program("get", f"/merged-groups/{group.pk}/").json()["decisions"][0]["reason"] == "looks good"
    event = AuditEvent.objects.get(action="merged_group.approve")
    assert (event.token, event.actor.username, event.address) == ("script", "ada", "127.0.0.1")


def test_a_rollout_is_started_looked_at_and_taken_back(program, fleet):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    boxes = [str(fleet.other_box(name, "cars", "trucks").pk) for name in ("east", "west")]
    assert program("post", "/rollouts/", {"group": group.pk, "boxes": boxes}).status_code == 409
    assert program("post", f"/merged-groups/{group.pk}/decisions/", {"verdict": "approve"}).status_code == 201
    assert [found["problem"] for found in program("get", f"/rollouts/candidates/{group.pk}/").json()] == ["", ""]
    window = {"start": "22:00", "end": "04:00", "zone": "Europe/Berlin"}
    entry = {"group": group.pk, "boxes": boxes, "canary": boxes[1], "percentages": [100], "window": window}

    made = program("post", "/rollouts/", entry)

    assert made.status_code == 201, made.content
    shown = program("get", f"/rollouts/{made.json()['id']}/").json()
    assert [(row["box"], row["wave"], row["state"]) for row in shown["boxes"]] == [
        (boxes[1], 0, "waiting"),
        (boxes[0], 1, "waiting"),
    ]
    assert shown["window"] == {"start": "22:00:00", "end": "04:00:00", "zone": "Europe/Berlin", "days": [*range(7)]}
    for action, state in (
        ("pause", "paused"),
        ("resume", "running"),
        ("abort", "aborted"),
        ("roll-back", "rolled back"),
    ):
        assert program("post", f"/rollouts/{shown['id']}/{action}/").status_code == 204
        assert program("get", f"/rollouts/?group={group.pk}").json()["results"][0]["state"] == state
    refused = program("post", "/rollouts/", entry | {"window": window | {"zone": "Mars"}})
    assert refused.json()["fields"] == {"window_zone": [refused.json()["message"]]}


def test_a_bundle_is_tried_again_and_cancelled(program, fleet):
    fleet.query("cars")
    older, newer = (
        Bundle.objects.create(box=fleet.box, version=version, manifest="{}", manifest_digest=f"{version}" * 64,
                              signature="", size_bytes=1, created_at=timezone.now())
        for version in (1, 2)
    )  # fmt: skip

    tried = program("post", f"/bundles/retry/{fleet.box.pk}/")
    assert (tried.status_code, tried.json()["id"]) == (200, str(newer.pk))
    assert program("post", f"/bundles/cancel/{fleet.box.pk}/").json()["cancelled_at"] is not None
    assert current_bundle(fleet.box) == older
    assert set(AuditEvent.objects.filter(actor__username="ada").values_list("action", flat=True)) >= {
        "bundle.retry",
        "bundle.cancel",
    }


def test_how_long_merges_took_and_how_a_models_layers_could_be_shared(program, fleet):
    assert program("get", "/merge-runs/durations/").json() == {"shortest_s": None, "longest_s": None}
    now = timezone.now()
    for seconds in (90, 300):
        MergeRun.objects.create(
            box=fleet.box,
            state="succeeded",
            job=job_enqueue(task="merges.run", queue="gpu", subject=fleet.box.pk, now=now),
            created_at=now,
            started_at=now - timedelta(seconds=seconds),
            ended_at=now,
            result={"seconds": 80.5},
        )
    assert program("get", "/merge-runs/durations/").json() == {"shortest_s": 90.0, "longest_s": 300.0}
    assert program("get", "/merge-runs/").json()["results"][0]["search_seconds"] == 80.5
    twin = Model.objects.get(pk=fleet.model.pk)
    twin.pk, twin.name = None, "twin"
    twin.layers = twin.layers[:1]
    twin.save(force_insert=True)
    layers = program("get", f"/models/{fleet.model.pk}/layers/").json()
    assert [(layer["name"], layer["others"]) for layer in layers] == [("features.0", 1), ("head", 0)]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_approve_is_refused_and_nothing_changes(program_of, fleet, role):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))

    response = program_of(role)("post", f"/merged-groups/{group.pk}/decisions/", {"verdict": "approve"})

    assert response.status_code == 403
    assert response.json()["code"] == "not_allowed"
    assert response.json()["message"].startswith("Only people with the role approver in harbour may do this")
    group.refresh_from_db()
    assert group.state == MergedGroupState.WAITING


def test_several_are_decided_at_once_and_each_says_what_became_of_it(program, fleet):
    groups = [fleet.merged_group(fleet.query(f"{one} in"), fleet.query(f"{one} out")) for one in ("cars", "trucks")]
    MergedGroup.objects.filter(pk=groups[0].pk).update(state=MergedGroupState.REJECTED)

    entry = {"groups": [group.pk for group in groups], "verdict": "approve", "reason": "all checked"}
    refused, approved = program("post", "/merged-groups/decisions/", entry).json()

    assert (refused["group"], refused["decision"], refused["code"]) == (str(groups[0].pk), None, "conflict")
    assert "is rejected by now" in refused["problem"]
    assert (approved["decision"]["reason"], approved["problem"]) == ("all checked", "")
    assert AuditEvent.objects.filter(action="merged_group.approve").count() == 1


def test_frames_on_which_the_models_disagree_are_read_with_their_pictures(program, fleet):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    fleet.disagreement(group.members.get(name="cars"))

    (found,) = program("get", f"/merged-groups/{group.pk}/disagreements/").json()
    assert (found["query_name"], found["has_picture"], found["merged"][0]["label"]) == ("cars", True, "bus")
    picture = program("get", f"/merged-groups/{group.pk}/disagreements/{found['id']}/picture/")
    assert picture.content.startswith(b"\xff\xd8")
    members = program("get", f"/merged-groups/{group.pk}/").json()["members"]
    assert [(one["compared_frames"], one["differing_frames"]) for one in members] == [(120, 3), (None, 0)]


def test_the_requester_of_a_merge_is_refused_where_the_site_says_so(program_of, fleet):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    program = program_of(Role.APPROVER)
    fleet.site.requester_may_approve = False
    fleet.site.save()
    MergeRun.objects.update(requested_by=Person.objects.get(username=Role.APPROVER.value))

    response = program("post", f"/merged-groups/{group.pk}/decisions/", {"verdict": "approve"})

    assert response.status_code == 403
    assert "ask another approver" in response.json()["message"]
    group.refresh_from_db()
    assert group.state == MergedGroupState.WAITING


VIEWER_MAY_NOT = [
    ("post", "/boxes/", lambda f: {"site": f.site.pk, "name": "x"}),
    ("post", "/boxes/{box}/join-code/", None),
    ("post", "/boxes/{box}/revoke/", None),
    ("post", "/boxes/{box}/renew-credential/", None),
    ("post", "/cameras/", lambda f: {"box": f.box.pk, "name": "x", "source": "rtsp://c/1"}),
    ("patch", "/cameras/{camera}/", lambda f: {"name": "x"}),
    ("delete", "/cameras/{camera}/", None),
    ("post", "/cameras/{camera}/probe/", None),
    ("delete", "/models/{model}/", None),
    ("post", "/models/{model}/describe/", lambda f: {"classes": ["a"]}),
    ("post", "/data-sets/", lambda f: {"camera": f.camera.pk, "name": "x", "frames": 100, "span_s": 60}),
    ("post", "/queries/", lambda f: {"camera": f.camera.pk, "model": f.model.pk, "name": "x", "objects": ["car"]}),
    ("post", "/merge-runs/", lambda f: {"box": f.box.pk}),
    ("post", "/bundles/retry/{box}/", None),
    ("post", "/bundles/cancel/{box}/", None),
    ("post", "/rollouts/{rollout}/pause/", None),
    ("post", "/rollouts/{rollout}/resume/", None),
    ("post", "/rollouts/{rollout}/abort/", None),
    ("post", "/rollouts/{rollout}/roll-back/", None),
    ("post", "/sites/", lambda f: {"name": "x"}),
    ("put", "/sites/{site}/", lambda f: {"name": "x", "requester_may_approve": True}),
    ("get", "/people/", None),
    ("get", "/audit-events/", None),
    ("post", "/people/", lambda f: {"username": "x", "site": f.site.pk, "role": "viewer"}),
]


@pytest.mark.parametrize(("method", "path", "body"), VIEWER_MAY_NOT, ids=lambda part: str(part)[:40])
def test_a_viewer_changes_nothing(program_of, fleet, method, path, body):
    ids = {"box": fleet.box.pk, "camera": fleet.camera.pk, "model": fleet.model.pk, "site": fleet.site.pk}
    if "{rollout}" in path:
        ids["rollout"] = fleet.rollout(fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))).pk
    viewer = program_of(Role.VIEWER)
    events = AuditEvent.objects.count()

    response = viewer(method, path.format(**ids), body(fleet) if body else None)

    assert response.status_code == 403, response.content
    assert set(response.json()) == {"code", "message", "fields"}
    assert AuditEvent.objects.count() == events


def test_nobody_sees_other_sites(program_of, fleet):
    elsewhere = site_create(actor=None, name="elsewhere", now=timezone.now())
    box, _ = box_create(actor=None, site=elsewhere, name="hidden", now=timezone.now())
    viewer = program_of(Role.VIEWER)

    assert viewer("get", f"/boxes/{box.pk}/").status_code == 404
    assert [found["name"] for found in viewer("get", "/boxes/").json()["results"]] == ["north gate"]
    assert viewer("get", f"/bundles/status/{box.pk}/").status_code == 404
    assert viewer("get", f"/statistics/boxes/{box.pk}/").status_code == 404
    response = viewer("post", "/cameras/", {"box": box.pk, "name": "x", "source": "rtsp://c/1"})
    assert response.json()["fields"]["box"] == ["There is no such box."]


def test_a_stranger_is_told_to_sign_in(fleet):
    response = Client().get(f"{V1}/boxes/")

    assert response.status_code == 401
    assert response.json()["code"] == "not_signed_in"
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("ended", ["wrong", "revoked", "expired", "switched off"])
def test_a_token_that_has_ended_opens_nothing(program, person, fleet, ended):
    token = ApiToken.objects.get()
    if ended == "wrong":
        program.secret = "gemel_guess"
    elif ended == "revoked":
        assert program("delete", f"/tokens/{token.pk}/").status_code == 204
    elif ended == "expired":
        ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        person.is_active = False
        person.save()

    response = program("get", "/boxes/")

    assert response.status_code == 401
    assert "unknown, expired or revoked" in response.json()["message"]


def test_a_session_works_only_with_its_csrf_token(person, fleet):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)

    assert browser.get(f"{V1}/people/me/").json()["username"] == "ada"
    response = browser.post(f"{V1}/sites/", {"name": "quay"}, "application/json")
    assert response.status_code == 403
    assert "CSRF" in response.json()["message"]


def test_errors_name_the_fields(program, fleet):
    response = program("post", "/queries/", {"camera": "x", "objects": "car"})

    assert response.status_code == 400
    assert set(response.json()["fields"]) == {"camera", "model", "name", "objects"}
    again = program("post", "/boxes/", {"site": fleet.site.pk, "name": "north gate"})
    assert again.json()["fields"] == {"name": ['There is a box called "north gate" in harbour already.']}


@pytest.mark.parametrize("body", ["[" * 100_000, '{"site": ' + "[" * 100_000])
def test_a_body_of_values_within_values_is_refused(program, body):
    response = program("post", "/boxes/", body)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_input"


def test_a_full_disk_of_the_server_is_said_and_leaves_nothing(program, fleet, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    entry = {"site": fleet.site.pk, "name": "large", "architecture": "squeezenet1_1", "classes": ["a", "b"]}
    entry |= {"input_height": 64, "input_width": 64, "weights": ContentFile(b"x", name="weights.safetensors")}
    answer = program("post", "/models/", entry, content_type="multipart/form-data")
    assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
    assert not Model.objects.filter(name="large").exists()


def test_long_lists_come_in_pages(program, fleet):
    Box.objects.bulk_create(
        Box(site=fleet.site, name=f"box {number:03}", created_at=timezone.now()) for number in range(70)
    )

    first = program("get", "/boxes/").json()
    second = program("get", "/boxes/?page=2").json()

    assert (first["count"], len(first["results"]), len(second["results"])) == (71, 50, 21)
    assert program("get", "/boxes/?page=9").status_code == 404


def test_the_secret_of_a_token_is_shown_once_and_stored_hashed(client, person, fleet):
    client.post(reverse("account_login"), {"login": "ada", "password": "a-long-password"})
    response = client.post(reverse("accounts:token-add"), {"name": "backup", "days": 30}, follow=True)
    secret = response.content.decode().split('data-testid="token">')[1].split("<")[0]

    assert secret not in client.get(reverse("accounts:token-list")).content.decode()
    assert secret not in str(list(ApiToken.objects.values()))
    answer = Client().get(f"{V1}/cameras/", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json()["count"] == Camera.objects.count() == 1
    assert ApiToken.objects.get().last_used_at is not None


def test_a_token_that_only_reads_changes_nothing(client, person, fleet, words):
    client.post(reverse("account_login"), {"login": "ada", "password": "a-long-password"})
    entered = {"name": "monitoring", "days": 30, "is_read_only": "reads"}
    response = client.post(reverse("accounts:token-add"), entered, follow=True)
    secret = response.content.decode().split('data-testid="token">')[1].split("<")[0]
    assert "only looks" in words(response)
    program = Client(headers={"Authorization": f"Bearer {secret}"})

    assert program.get(f"{V1}/tokens/").json()["results"][0]["is_read_only"] is True
    for method, path in (
        ("post", "/sites/"),
        ("put", f"/sites/{fleet.site.pk}/"),
        ("delete", f"/cameras/{fleet.camera.pk}/"),
    ):
        answer = getattr(program, method)(V1 + path, {"name": "quay"}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert "only reads" in answer.json()["message"]
    assert Camera.objects.filter(pk=fleet.camera.pk).exists()


def test_nobody_ends_somebody_elses_token(program_of, program):
    token = ApiToken.objects.get(person__username="ada")

    assert program_of(Role.ADMINISTRATOR)("delete", f"/tokens/{token.pk}/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_people_are_invited_and_given_roles(program, fleet):
    entry = {"username": "grace", "site": fleet.site.pk, "role": "viewer"}
    made = program("post", "/people/", entry).json()
    assert made["link"].startswith("http://testserver/join/")
    path = f"/sites/{fleet.site.pk}/members/"
    assert program("post", path, {"person": made["person"], "role": "approver"}).json()["role"] == "approver"
    assert program("get", path).json() == [{"site": str(fleet.site.pk), "person": made["person"], "role": "approver"}]
    assert program("delete", f"{path}{made['person']}/").status_code == 204
    assert program("get", path).json() == []


@pytest.mark.parametrize("path", ["/nowhere/", "/boxes/no-id/", "/boxes"])
def test_an_address_of_nothing_is_refused_as_everything_else(program, path):
    response = program("get", path)

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
