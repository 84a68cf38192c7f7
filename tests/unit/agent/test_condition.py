"""One word and one sentence about the box."""

from msgspec.structs import replace

from edge_runtime.agent.condition import REASONS_MAX, report
from edge_runtime.protocol.messages import CameraSample
from edge_runtime.protocol.target import BundleTarget, CameraTarget, QueryTarget, TargetState

TARGET = TargetState(box="b", bundle=BundleTarget("d" * 64, 4), cameras=(CameraTarget("c1", "Gate", "/film.mp4"),))
GOOD, BAD = CameraSample("c1", "running", 10.0), CameraSample("c1", "failed", 0.0, "There is no file.")


def reported(**changes):
    given = {
        "target": TARGET,
        "failures": (),
        "progress": "",
        "model_problems": {},
        "warnings": (),
        "cameras": (GOOD,),
        "running": ("d" * 64, 4),
        "bytes_downloaded": 0,
        "is_confirmed": True,
        "refused": "",
    }
    return report(**(given | changes))


def state(**changes):
    result = reported(**changes)
    return result.state, result.sentence


def test_all_well_needs_no_sentence():
    assert state() == ("running", "")


def test_a_failed_step_outweighs_a_failed_camera_which_is_told_too():
    assert state(failures=("Too large.",), cameras=(BAD,)) == ("not at target", "Too large.\nGate: There is no file.")


def test_a_failed_camera_is_named_as_people_know_it():
    assert state(cameras=(BAD,)) == ("degraded", "Gate: There is no file.")


def test_reasons_that_are_about_a_camera_say_so_unless_they_are_left_out():
    far = CameraSample("c2", "failed", 0.0, "It is silent.")
    cameras = reported(cameras=(BAD, far), warnings=("It reloads.",)).camera_reasons
    assert cameras == {"c1": "Gate: There is no file.", "c2": "c2: It is silent."}
    many = tuple(f"Reason {number}." for number in range(REASONS_MAX - 1))
    assert reported(cameras=(BAD, far), warnings=many).camera_reasons == {"c1": "Gate: There is no file."}
    assert reported().camera_reasons == {}


def test_a_failing_model_degrades_the_box():
    assert state(model_problems={"q": "It fails."}) == ("degraded", "It fails.")


def test_a_box_that_reloads_over_and_over_is_degraded_unless_worse_is_known():
    assert state(warnings=("It reloads.",)) == ("degraded", "It reloads.")
    watching = QueryTarget("q", "cars", "slot", "c1", (), 5.0, 500, 0.95)
    both = {"warnings": ("It reloads.",), "cameras": (BAD,)}
    assert state(**both, target=replace(TARGET, queries=(watching,)))[1].startswith("Gate")


def test_a_camera_that_no_query_watches_hides_nothing():
    assert state(warnings=("It reloads.",), cameras=(BAD,)) == ("degraded", "It reloads.\nGate: There is no file.")


def test_of_very_many_reasons_the_worst_are_told_and_the_others_counted():
    told = state(warnings=[f"Reason {number}." for number in range(REASONS_MAX + 2)])[1].splitlines()
    assert told[0] == "Reason 0."
    assert told[REASONS_MAX:] == ["2 more things are wrong."]


def test_another_bundle_than_wanted_is_not_the_target():
    assert state(running=("", 0)) == ("not at target", "The box is about to run bundle version 4.")


def test_a_box_without_target_says_so():
    assert state(target=None)[0] == "not at target"
