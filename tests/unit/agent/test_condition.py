"""One word and one sentence about the box."""

from edge_runtime.agent.condition import report
from edge_runtime.protocol.messages import CameraSample
from edge_runtime.protocol.target import BundleTarget, CameraTarget, TargetState

TARGET = TargetState(box="b", bundle=BundleTarget("d" * 64, 4), cameras=(CameraTarget("c1", "Gate", "/film.mp4"),))
GOOD, BAD = CameraSample("c1", "running", 10.0), CameraSample("c1", "failed", 0.0, "There is no file.")


def state(**changes):
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
    result = report(**(given | changes))
    return result.state, result.sentence


def test_all_well_needs_no_sentence():
    assert state() == ("running", "")


def test_a_failed_step_outweighs_a_failed_camera():
    assert state(failures=("Too large.",), cameras=(BAD,)) == ("not at target", "Too large.")


def test_a_failed_camera_is_named_as_people_know_it():
    assert state(cameras=(BAD,)) == ("degraded", "Gate: There is no file.")


def test_a_failing_model_degrades_the_box():
    assert state(model_problems={"q": "It fails."}) == ("degraded", "It fails.")


def test_a_box_that_reloads_over_and_over_is_degraded_unless_worse_is_known():
    assert state(warnings=("It reloads.",)) == ("degraded", "It reloads.")
    assert state(warnings=("It reloads.",), cameras=(BAD,))[1].startswith("Gate")


def test_another_bundle_than_wanted_is_not_the_target():
    assert state(running=("", 0)) == ("not at target", "The box is about to run bundle version 4.")


def test_a_box_without_target_says_so():
    assert state(target=None)[0] == "not at target"
