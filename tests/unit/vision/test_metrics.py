import numpy as np
import pytest

from edge_runtime.vision.coco import coco_map
from edge_runtime.vision.metrics import FrameScore, NothingToScore, accuracy, frame_score
from edge_runtime.vision.spec import BoxTruth, Classification, Detections, LabelTruth

LEFT, RIGHT = [0.0, 0.0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]
LEFT_BY_HALF = [0.0, 0.0, 0.2, 0.4]  # IoU with LEFT is exactly 1/2


def found(*items):
    """Of (box, label, score)."""
    return Detections(
        np.array([box for box, _, _ in items], dtype=np.float64).reshape(-1, 4),
        np.array([label for _, label, _ in items], dtype=np.int64),
        np.array([score for _, _, score in items], dtype=np.float32),
    )


def true(*items):
    boxes = np.array([box for box, _ in items], dtype=np.float64).reshape(-1, 4)
    return BoxTruth(boxes, np.array([label for _, label in items], dtype=np.int64))


@pytest.mark.parametrize(
    ("detections", "truth", "score"),
    [
        (found((LEFT, 0, 0.9)), true((LEFT, 0), (RIGHT, 0)), FrameScore(1, 0, 1)),
        (found((LEFT, 1, 0.9)), true((LEFT, 0)), FrameScore(0, 1, 1)),
        (found((LEFT_BY_HALF, 0, 0.9)), true((LEFT, 0)), FrameScore(1, 0, 0)),
        (found((LEFT, 0, 0.9), (LEFT, 0, 0.8)), true((LEFT, 0)), FrameScore(1, 1, 0)),
        (found((LEFT, 0, 0.9), (LEFT_BY_HALF, 0, 0.8)), true((LEFT, 0), (LEFT_BY_HALF, 0)), FrameScore(2, 0, 0)),
        (found((LEFT, 0, 0.2)), true((LEFT, 0)), FrameScore(0, 0, 1)),
        (found((LEFT, 0, 0.9)), true(), FrameScore(0, 1, 0)),
        (found(), true((LEFT, 0)), FrameScore(0, 0, 1)),
        (found(), true(), FrameScore(0, 0, 0)),
    ],
)
def test_a_detection_is_right_on_a_true_box_of_its_class_that_is_still_free(detections, truth, score):
    assert frame_score(detections, truth) == score


def test_a_classification_is_right_or_wrong():
    answer = Classification(1, np.array([0.2, 0.8], dtype=np.float32))
    assert frame_score(answer, LabelTruth(1)) == FrameScore(1, 0, 0)
    assert frame_score(answer, LabelTruth(0)) == FrameScore(0, 1, 1)


def test_a_truth_of_another_task_is_refused():
    with pytest.raises(TypeError, match="Detections cannot be scored by LabelTruth"):
        frame_score(found(), LabelTruth(0))


def test_accuracy_of_classifications_is_the_share_of_right_ones():
    assert accuracy([FrameScore(1, 0, 0)] * 3 + [FrameScore(0, 1, 1)]) == 0.75


def test_accuracy_of_detections_is_f1():
    precision, recall = 3 / 4, 3 / 5
    assert accuracy([FrameScore(2, 0, 2), FrameScore(1, 1, 0)]) == pytest.approx(
        2 * precision * recall / (precision + recall)
    )


def test_frames_where_nothing_was_to_be_found_and_nothing_was_found_are_right():
    assert accuracy([FrameScore(0, 0, 0)]) == 1.0


def test_accuracy_of_no_frame_is_refused():
    with pytest.raises(NothingToScore):
        accuracy([])


def test_map_of_perfect_answers_is_one():
    predictions = [found((LEFT, 0, 0.9), (RIGHT, 1, 0.8)), found((RIGHT, 0, 0.7))]
    truths = [true((LEFT, 0), (RIGHT, 1)), true((RIGHT, 0))]
    assert coco_map(predictions, truths, ("car", "bus", "never seen")) == pytest.approx(1.0)


def test_map_counts_the_iou_thresholds_that_a_box_meets():
    wide = [0.0, 0.0, 0.4, 0.4 * 0.72]  # IoU 0.72: right at 0.50, 0.55, ... 0.70, five thresholds of ten
    assert coco_map([found((wide, 0, 0.9))], [true((LEFT, 0))], ("car",)) == pytest.approx(0.5)


def test_map_punishes_a_false_alarm_that_ranks_first():
    predictions = [found((RIGHT, 0, 0.9), (LEFT, 0, 0.8))]
    assert coco_map(predictions, [true((LEFT, 0))], ("car",)) == pytest.approx(0.5)


def test_map_is_the_mean_over_the_classes_there_are():
    assert coco_map([found((LEFT, 0, 0.9))], [true((LEFT, 0), (RIGHT, 1))], ("car", "bus")) == pytest.approx(0.5)


def test_map_keeps_frames_apart():
    predictions = [found((LEFT, 0, 0.9)), found()]
    assert coco_map(predictions, [true(), true((LEFT, 0))], ("car",)) == 0.0


def test_map_is_silent_zero_without_answers_and_refused_without_objects(capsys):
    assert coco_map([found()], [true((LEFT, 0))], ("car",)) == 0.0
    coco_map([found((LEFT, 0, 0.9))], [true((LEFT, 0))], ("car",))
    assert capsys.readouterr().out == ""
    with pytest.raises(NothingToScore):
        coco_map([found((LEFT, 0, 0.9))], [true()], ("car",))
