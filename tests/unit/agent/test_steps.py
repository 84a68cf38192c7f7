"""From what is to what is wanted: only the difference becomes steps."""

from dataclasses import replace

import msgspec

from edge_runtime.agent.health_window import Verdict
from edge_runtime.agent.steps import (
    AnswerProbe,
    ConfirmBundle,
    Current,
    FetchBundle,
    RefuseBundle,
    RelabelCamera,
    RunBundle,
    SendFrames,
    StartCamera,
    StopCamera,
    StopFrames,
    required_steps,
)
from edge_runtime.protocol.target import BundleTarget, CameraTarget, FrameRequest, Privacy, QueryTarget, TargetState

GATE = CameraTarget("gate", "Gate", "/films/gate.mp4")
YARD = CameraTarget("yard", "Yard", "/films/yard.mp4")
CARS = QueryTarget("cars", "Cars", "s1", "gate", ("car",), 5.0, 400, 0.95)
PEOPLE = QueryTarget("people", "People", "s2", "yard", ("person",), 5.0, 400, 0.95)
ONE, TWO = BundleTarget("1" * 64, 1), BundleTarget("2" * 64, 2)
TARGET = TargetState(box="b", bundle=ONE, cameras=(GATE, YARD), queries=(CARS, PEOPLE))
REACHED = Current(
    running=ONE.manifest_digest,
    queries=(CARS, PEOPLE),
    staged=frozenset({ONE.manifest_digest}),
    cameras={"gate": GATE, "yard": YARD},
)


def target(**changes):
    return msgspec.structs.replace(TARGET, **changes)


def test_an_empty_box_starts_cameras_then_fetches_and_runs_the_bundle():
    assert required_steps(TARGET, Current()) == (
        StartCamera(GATE),
        StartCamera(YARD),
        FetchBundle(ONE),
        RunBundle(ONE, (CARS, PEOPLE)),
    )


def test_nothing_is_left_to_do_at_the_target():
    assert required_steps(TARGET, REACHED) == ()


def test_a_target_without_bundle_leaves_what_runs():
    assert required_steps(target(bundle=None, queries=()), REACHED) == ()


def test_one_new_camera_touches_no_other():
    new = CameraTarget("door", "Door", "/films/door.mp4")
    assert required_steps(target(cameras=(GATE, YARD, new)), REACHED) == (StartCamera(new),)


def test_a_camera_that_is_gone_is_stopped():
    assert required_steps(target(cameras=(GATE,)), REACHED) == (StopCamera("yard"),)


def test_only_another_source_starts_a_camera_again():
    moved = msgspec.structs.replace(GATE, source="/films/other.mp4")
    hidden = msgspec.structs.replace(YARD, privacy=Privacy.OFF)
    assert required_steps(target(cameras=(moved, hidden)), REACHED) == (StartCamera(moved), RelabelCamera(hidden))


def test_changed_queries_run_the_same_bundle_again_without_fetching():
    assert required_steps(target(queries=(CARS,)), REACHED) == (RunBundle(ONE, (CARS,)),)


def test_the_order_of_queries_means_nothing():
    assert required_steps(target(queries=(PEOPLE, CARS)), REACHED) == ()


def test_a_bundle_already_on_disk_is_not_fetched_again():
    current = replace(REACHED, staged=frozenset({TWO.manifest_digest}))
    assert required_steps(target(bundle=TWO), current) == (RunBundle(TWO, (CARS, PEOPLE)),)


def test_a_probe_is_answered_once_per_request_and_only_for_a_known_camera():
    wanted = target(probes={"gate": 4, "nobody": 1})
    assert required_steps(wanted, REACHED) == (AnswerProbe(GATE, 4),)
    assert required_steps(wanted, replace(REACHED, probes={"gate": 4})) == ()
    assert required_steps(wanted, replace(REACHED, probes={"gate": 3})) == (AnswerProbe(GATE, 4),)


def test_frame_requests_begin_once_and_end_when_no_longer_wanted():
    request = FrameRequest("r1", "gate", 10, 5.0)
    wanted = target(frame_requests=(request,))
    collecting = replace(REACHED, frame_requests=frozenset({"r1"}), collecting=frozenset({"r1"}))
    assert required_steps(wanted, REACHED) == (SendFrames(request),)
    assert required_steps(wanted, collecting) == ()
    assert required_steps(TARGET, collecting) == (StopFrames("r1"),)


def test_a_bundle_that_does_well_is_confirmed_and_one_that_does_not_is_refused():
    assert required_steps(TARGET, replace(REACHED, verdict=Verdict(True))) == (ConfirmBundle(ONE.manifest_digest),)
    again = target(bundle=BundleTarget(ONE.manifest_digest, 1, attempt=3))
    assert required_steps(again, replace(REACHED, verdict=Verdict(False, "It fails."))) == (
        RefuseBundle(again.bundle, "It fails."),
    )


def test_a_refused_bundle_is_neither_fetched_nor_run_and_the_last_good_one_answers_what_it_can():
    refused = replace(REACHED, is_refused=True, fallback=TWO.manifest_digest, slots=frozenset({"s1"}))
    instead = RunBundle(BundleTarget(TWO.manifest_digest, 0), (CARS,))
    assert required_steps(TARGET, refused) == (instead,)
    assert required_steps(TARGET, replace(refused, running=TWO.manifest_digest, queries=(CARS,))) == ()


def test_a_refused_bundle_without_a_good_one_runs_on():
    refused = replace(REACHED, is_refused=True, fallback=ONE.manifest_digest, slots=frozenset({"s1", "s2"}))
    assert required_steps(TARGET, refused) == ()
