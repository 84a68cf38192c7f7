"""Alerts against a real database: found, opened, told by a real HTTP server and by mail, handled, closed."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail

from tests.integration.server.conftest import NOW
from webapp.alerts.channels import NotSent
from webapp.alerts.conditions import findings
from webapp.alerts.facts import gather
from webapp.alerts.models import Alert, AlertKind, Channel, Delivery
from webapp.alerts.policies import RETRY_S
from webapp.alerts.selectors import AlertSearch, Shown, alerts_found
from webapp.alerts.services import (
    alert_acknowledge,
    alert_silence,
    alerts_evaluate,
    alerts_prune,
    deliveries_send,
    receiver_create,
    silence_end,
    site_silence,
)
from webapp.alerts.services.deliveries import SEND_FOR_S
from webapp.audit.models import AuditEvent
from webapp.common.errors import Conflict, InvalidInput, NotAllowed
from webapp.fleets.models import Box, Role
from webapp.jobs.services import job_enqueue, worker_gone, worker_seen
from webapp.rollouts.models import BoxReport
from webapp.rollouts.services import bundle_publish
from webapp.telemetry.models import BoxRollup, BoxSample, QueryRollup
from webapp.workloads.task_names import MODEL_CHECK

MINUTE = timedelta(minutes=1)


@pytest.fixture
def fleet(fleet):
    """The fleet at NOW: heard of just now, with both workers alive."""
    beat(fleet, NOW)
    return fleet


def beat(fleet, at):
    Box.objects.filter(id=fleet.box.id).update(last_seen_at=at, is_connected=True)
    for queue in ("gpu", "light"):
        worker_seen(name=f"worker {queue}", queues=[queue], now=at)


def look(at):
    return alerts_evaluate(findings=findings(gather(at), at), now=at)


def says(fleet, at, state, problem=""):
    camera = {"camera": str(fleet.camera.id), "state": state, "rate_fps": 0.0, "problem": problem}
    bands = dict.fromkeys(
        (f"memory_{band}" for band in ("budget", "private", "shared", "activations", "overhead", "free", "rss")), 0
    )
    seq = int(at.timestamp())
    BoxSample.objects.create(
        box=fleet.box, boot_id="b", seq=seq, at=at, interval_s=1.0, bundle_version=1, cameras=[camera], **bands
    )


@pytest.fixture
def listener():
    """A webhook's program: what it got, and the status that it answers with."""
    got, answer = [], {"status": 204}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answer["status"])
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/hook", got, answer
    server.shutdown()
    server.server_close()


def test_nothing_is_wrong_with_a_fleet_that_is_well(fleet):
    assert look(NOW) == []
    assert not Alert.objects.exists()


def test_a_box_that_goes_silent_is_one_alert_until_it_is_back_for_good(fleet):
    silent = NOW + 2 * MINUTE
    (opened,) = look_with_workers(fleet, silent)
    assert (opened.kind, opened.subject_id, opened.site) == (AlertKind.BOX_OFFLINE, fleet.box.id, fleet.site)
    assert look_with_workers(fleet, silent + MINUTE) == []
    beat(fleet, silent + 2 * MINUTE)
    assert look(silent + 2 * MINUTE) == []
    beat(fleet, silent + 5 * MINUTE)
    (closed,) = look(silent + 5 * MINUTE)
    assert closed.id == opened.id
    assert closed.closed_at == silent + 5 * MINUTE
    assert [event.action for event in AuditEvent.objects.filter(subject_id=opened.id).order_by("at")] == [
        "alert.open",
        "alert.close",
    ]
    assert alerts_prune(now=silent + timedelta(days=91)) > 0


def look_with_workers(fleet, at):
    for queue in ("gpu", "light"):
        worker_seen(name=f"worker {queue}", queues=[queue], now=at)
    return look(at)


def test_a_camera_is_dead_when_its_box_says_so_for_a_minute(fleet):
    opened = []
    for tick in range(6):
        at = NOW + tick * timedelta(seconds=15)
        beat(fleet, at)
        says(fleet, at, "connecting", "The camera refuses connections.")
        opened += look(at)
    (alert,) = opened
    assert alert.kind == AlertKind.CAMERA_DEAD
    assert "gate on box of harbour gives no pictures: The camera refuses connections." in alert.sentence
    assert "secret" not in alert.sentence


def test_says_that_no_worker_takes_merge_runs_and_that_a_job_is_stuck(fleet):
    worker_gone(name="worker gpu")
    job_enqueue(task=MODEL_CHECK, queue="light", subject=fleet.box.id, now=NOW)
    late = NOW + 11 * MINUTE
    for at in (NOW, late):
        Box.objects.update(last_seen_at=at)
        worker_seen(name="worker light", queues=["light"], now=at)
        changed = look(at)
    assert {(alert.kind, alert.site_id) for alert in changed} == {
        (AlertKind.WORKER_MISSING, None),
        (AlertKind.JOB_STUCK, fleet.site.id),
    }


def test_a_box_that_lost_statistics_is_told_for_an_hour(fleet):
    for at, dropped in ((NOW - MINUTE, 0), (NOW, 40)):
        says(fleet, at, "running")
        BoxSample.objects.filter(seq=int(at.timestamp())).update(samples_dropped=dropped)
    (alert,) = look(NOW)
    assert (alert.kind, "lost 40 samples" in alert.sentence) == (AlertKind.STATISTICS_LOST, True)


def minute_of_frames(query, start, *, lost):
    """100 frames, of which `lost` came to nothing."""
    bands = ("budget", "private", "shared", "activations", "overhead", "free", "used_max")
    memory = {f"memory_{band}": 0 for band in bands} | {"cpu_percent": 0, "seconds": 60}
    frames = {"captured": 100, "processed": 100 - lost}
    at = {"box": query.camera.box, "resolution": "minute", "start": start}
    BoxRollup.objects.create(**at, **frames, **memory)
    QueryRollup.objects.create(**at, **frames, query_id=query.id, dropped=lost, late=0, swaps=0, swap_ms=0)


def test_a_box_that_loses_frames_is_told_until_it_has_lost_few_for_minutes(fleet):
    query = fleet.query("cars")
    told = []
    for minute in range(16):
        at = NOW + minute * MINUTE
        beat(fleet, at)
        minute_of_frames(query, at - MINUTE, lost=40 if minute < 4 else 0)
        told += [(minute, alert) for alert in look(at) if alert.kind == AlertKind.FRAMES_LOST]
    (opened_at, opened), (closed_at, closed) = told
    assert opened_at < 4 < closed_at
    assert (opened.closed_at, closed.closed_at) == (None, NOW + closed_at * MINUTE)
    alert = Alert.objects.get(kind=AlertKind.FRAMES_LOST)
    assert alert.subject_id == fleet.box.id
    assert alert.sentence.startswith("box of harbour: Query cars lost ")


def test_a_box_that_gave_up_its_bundle_is_told_with_its_own_words(fleet):
    fleet.query()
    bundle = bundle_publish(box=fleet.box, now=NOW)
    BoxReport.objects.create(
        box=fleet.box,
        state="not at target",
        sentence="Bundle 1 lost 80 % of the frames.",
        refused_digest=bundle.manifest_digest,
        reported_at=NOW,
    )
    (alert,) = look(NOW)
    assert alert.kind == AlertKind.BUNDLE_ROLLED_BACK
    assert alert.sentence == "box of harbour: Bundle 1 lost 80 % of the frames."


def test_tells_a_webhook_and_a_mailbox_once_that_it_opened_and_once_that_it_is_over(fleet, settings, listener):
    address, got, _ = listener
    settings.WEBHOOKS_REFUSED, settings.EMAIL_HOST_IS_SET = [], True
    for channel, where in ((Channel.WEBHOOK, address), (Channel.EMAIL, "ada@example.org")):
        receiver_create(
            actor=fleet.people[Role.ADMINISTRATOR], site=fleet.site, channel=channel, address=where, now=NOW
        )
    silent = NOW + 2 * MINUTE
    look_with_workers(fleet, silent)
    assert deliveries_send(now=silent) == 2
    assert deliveries_send(now=silent + MINUTE) == 0
    headers, body = got[0]
    assert json.loads(body)["type"] == "alert.opened"
    assert json.loads(body)["sentence"].startswith("The server has heard nothing from box of harbour")
    assert headers["host"] == address.split("/")[2]
    assert headers["webhook-signature"].startswith("v1,")
    for minutes in (3, 6):
        beat(fleet, NOW + minutes * MINUTE)
        look(NOW + minutes * MINUTE)
    assert deliveries_send(now=NOW + 6 * MINUTE) == 2
    assert [json.loads(body)["type"] for _, body in got] == ["alert.opened", "alert.closed"]
    assert [message.subject for message in mail.outbox] == [
        "Gemel Fleet: box of harbour: box offline",
        "Gemel Fleet: Over: box of harbour: box offline",
    ]


def test_a_webhook_that_fails_is_tried_again_with_growing_pauses_and_given_up(fleet, settings, listener):
    address, got, answer = listener
    settings.WEBHOOKS_REFUSED = []
    receiver_create(actor=None, site=fleet.site, channel=Channel.WEBHOOK, address=address, now=NOW)
    answer["status"] = 302  # a redirect is a failure: where it leads was never checked
    at = NOW + 2 * MINUTE
    look_with_workers(fleet, at)
    for pause in RETRY_S:
        assert deliveries_send(now=at) == 0
        delivery = Delivery.objects.get()
        assert delivery.problem == "The webhook answered with status 302."
        assert delivery.next_at == at + timedelta(seconds=pause)
        at = delivery.next_at
    deliveries_send(now=at)
    assert Delivery.objects.get().next_at is None
    assert len(got) == len(RETRY_S) + 1


def test_a_receiver_that_hangs_delays_neither_others_nor_other_work(fleet, settings):
    settings.WEBHOOKS_REFUSED = []
    for name in ("hangs", "answers"):
        receiver_create(
            actor=None, site=fleet.site, channel=Channel.WEBHOOK, address=f"https://192.0.2.1/{name}", now=NOW
        )
    elapsed, tried = [0.0], []

    def send(delivery, now):
        tried.append(delivery.receiver.address.rsplit("/", 1)[1])
        if tried[-1] == "hangs":
            elapsed[0] += 2.0
            raise NotSent("The webhook did not answer: ConnectTimeout.")

    at = NOW + 2 * MINUTE
    (alert,) = look_with_workers(fleet, at)
    others = [Delivery(receiver=one.receiver, alert=alert, kind=one.kind, next_at=at, created_at=at) for one in due(at)]
    Delivery.objects.bulk_create(others)
    assert deliveries_send(now=at, send=send, clock=lambda: elapsed[0]) == 2
    assert sorted(tried) == ["answers", "answers", "hangs"]
    assert set(Delivery.objects.filter(sent_at=None).values_list("next_at", flat=True)) == {at + timedelta(seconds=15)}


def test_what_no_time_is_left_for_is_sent_by_the_next_run(fleet, settings):
    settings.WEBHOOKS_REFUSED = []
    for number in range(4):
        receiver_create(
            actor=None, site=fleet.site, channel=Channel.WEBHOOK, address=f"https://192.0.2.1/{number}", now=NOW
        )
    elapsed = [0.0]

    def send(delivery, now):
        elapsed[0] += SEND_FOR_S / 2

    at = NOW + 2 * MINUTE
    look_with_workers(fleet, at)
    assert deliveries_send(now=at, send=send, clock=lambda: elapsed[0]) == 2
    assert deliveries_send(now=at, send=send, clock=lambda: elapsed[0]) == 2
    assert deliveries_send(now=at, send=send, clock=lambda: elapsed[0]) == 0


def due(at):
    return list(Delivery.objects.filter(next_at__lte=at))


def test_a_webhook_whose_name_leads_to_this_machine_by_now_is_not_called(fleet, settings, listener):
    address, got, _ = listener
    refused, settings.WEBHOOKS_REFUSED = settings.WEBHOOKS_REFUSED, []
    receiver_create(actor=None, site=fleet.site, channel=Channel.WEBHOOK, address=address, now=NOW)
    settings.WEBHOOKS_REFUSED = refused
    look_with_workers(fleet, NOW + 2 * MINUTE)
    assert deliveries_send(now=NOW + 2 * MINUTE) == 0
    assert got == []
    assert "no webhook may go" in Delivery.objects.get().problem


def test_a_silence_keeps_alerts_on_the_page_and_tells_nobody(fleet):
    operator = fleet.people[Role.OPERATOR]
    receiver_create(actor=None, site=fleet.site, channel=Channel.EMAIL, address="ada@example.org", now=NOW)
    silence = site_silence(actor=operator, site=fleet.site, duration=timedelta(hours=1), now=NOW)
    silent = NOW + 2 * MINUTE
    (alert,) = look_with_workers(fleet, silent)
    assert not Delivery.objects.exists()
    assert alerts_found(operator, AlertSearch(), silent).count() == 1
    assert alerts_found(operator, AlertSearch(shown=Shown.NEW), silent).count() == 0
    silence_end(actor=operator, silence=silence, now=silent)
    assert alerts_found(operator, AlertSearch(shown=Shown.NEW), silent).count() == 1
    alert_silence(actor=operator, alert=alert, duration=timedelta(hours=1), reason="known", now=silent)
    assert alerts_found(operator, AlertSearch(shown=Shown.NEW), silent).count() == 0


def test_who_may_handle_alerts_and_who_may_say_whom_to_tell(fleet):
    (alert,) = look_with_workers(fleet, NOW + 2 * MINUTE)
    with pytest.raises(NotAllowed):
        alert_acknowledge(actor=fleet.people[Role.VIEWER], alert=alert, now=NOW)
    alert_acknowledge(actor=fleet.people[Role.OPERATOR], alert=alert, now=NOW)
    with pytest.raises(Conflict):
        alert_acknowledge(actor=fleet.people[Role.OPERATOR], alert=alert, now=NOW)
    with pytest.raises(InvalidInput):
        alert_silence(actor=None, alert=alert, duration=timedelta(days=31), now=NOW)
    with pytest.raises(NotAllowed):
        receiver_create(
            actor=fleet.people[Role.APPROVER], site=fleet.site, channel="email", address="a@example.org", now=NOW
        )


def test_nobody_sees_alerts_of_other_sites(fleet, make_fleet):
    other = make_fleet("depot")
    Box.objects.filter(id=other.box.id).update(last_seen_at=NOW)
    look_with_workers(fleet, NOW + 2 * MINUTE)
    seen = alerts_found(other.people[Role.ADMINISTRATOR], AlertSearch(shown=Shown.ALL), NOW)
    assert {alert.subject_id for alert in seen} == {other.box.id}
