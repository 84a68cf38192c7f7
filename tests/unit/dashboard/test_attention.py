"""What needs a person."""

import uuid
from dataclasses import replace

from webapp.dashboard.attention import Attention, Severity, box_attention, query_attention
from webapp.dashboard.rows import BoxRow, QueryRow
from webapp.fleets.models import Box
from webapp.merges.models import MergedGroupQuery
from webapp.rollouts.status import BoxStatus, Connection, State
from webapp.telemetry.models import QuerySample
from webapp.workloads.models import Query


def _box_needs(connection: Connection, sentence: str = "", enrolled: bool = True) -> list[Attention]:
    box = Box(id=uuid.uuid4(), name="north gate", enrolled_at="2026-05-04" if enrolled else None)
    return list(box_attention([box], {box.id: BoxStatus(connection, State.RUNNING, sentence, None)}))


def _query_row(agreement: float | None) -> QueryRow:
    query = Query(id=uuid.uuid4(), name="count cars", accuracy_target=0.95)
    box = BoxRow(Box(), BoxStatus(Connection.CONNECTED, State.RUNNING, "", None), None)
    return QueryRow(query, box, QuerySample(agreement=agreement))


def test_a_box_that_is_well_needs_nobody():
    assert _box_needs(Connection.CONNECTED) == []


def test_an_offline_box_is_more_urgent_than_one_that_waits_to_join():
    (offline,) = _box_needs(Connection.OFFLINE, "The server hears nothing.")
    (unjoined,) = _box_needs(Connection.NOT_ENROLLED, enrolled=False)

    assert offline.severity < unjoined.severity
    assert "is offline" in offline.sentence
    assert unjoined.address.endswith("/join/")


def test_low_agreement_alarms_nobody_where_labels_showed_the_target_met():
    row = _query_row(agreement=0.85)
    judged = replace(row, accepted=MergedGroupQuery(validation_accuracy=0.97))

    assert len(list(query_attention([row]))) == 1
    assert list(query_attention([judged])) == []


def test_says_why_a_box_is_not_at_its_target():
    (need,) = _box_needs(Connection.CONNECTED, "Camera quay does not answer.")

    assert need.severity == Severity.WRONG
    assert need.sentence == "north gate: Camera quay does not answer."


def test_names_a_query_below_its_target_and_only_then():
    (need,) = query_attention([_query_row(0.9)])

    assert "agrees with its original on 90.0 % of sampled frames, below its target of 95.0 %" in need.sentence
    assert list(query_attention([_query_row(0.95), _query_row(None)])) == []


def test_says_what_labels_found_of_a_query_that_was_approved_below_its_target_and_has_sent_nothing_yet():
    row = replace(_query_row(None), sample=None, accepted=MergedGroupQuery(validation_accuracy=0.92))
    (need,) = query_attention([row])

    assert "was approved to keep 92.0 % of its accuracy on labels, below its target of 95.0 %" in need.sentence


def _losing(*others: str) -> tuple[Box, BoxStatus]:
    reasons = "\n".join(("Query cars lost 86% of its frames.", *others))
    box = Box(id=uuid.uuid4(), name="north gate", enrolled_at="2026-05-04")
    return box, BoxStatus(Connection.CONNECTED, State.DEGRADED, reasons, None, is_losing=True)


def test_a_box_that_loses_frames_leads_to_what_would_help_and_tells_its_other_reasons():
    box, status = _losing("The box is too hot.")
    (need,) = box_attention([box], {box.id: status})

    assert need.sentence == "north gate: Query cars lost 86% of its frames."
    assert need.more == ("The box is too hot.",)
    assert need.address.endswith("#keeps-up")


def test_a_camera_that_is_listed_itself_is_not_said_of_its_box_again():
    yard, words = uuid.uuid4(), "Yard: There is no file."
    box, status = _losing(words)
    told = replace(status, camera_reasons={str(yard): words})

    assert [need.more for need in box_attention([box], {box.id: told}, [yard])] == [()]
    assert [need.more for need in box_attention([box], {box.id: told}, [uuid.uuid4(), None])] == [(words,)]
    only = replace(told, sentence=words, is_losing=False)
    assert list(box_attention([box], {box.id: only}, [yard])) == []
    assert [need.more for need in box_attention([box], {box.id: status}, [yard])] == [(words,)]  # an older box
