import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edge_runtime.vision.coco import coco_map
from edge_runtime.vision.metrics import FrameScore, NothingToScore, accuracy, frame_score, macro_f1
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


def answers(*labels):
    return [Classification(label, np.zeros(4, dtype=np.float32)) for label in labels]


def test_macro_f1_is_the_mean_of_the_f1_of_the_classes():
    truths = [LabelTruth(label) for label in (0, 0, 0, 1, 1, 2)]
    # Class 0: precision 2/3, recall 2/3; class 1: 1/2, 1/2; class 2: never answered; class 3: never true.
    expected = (2 / 3 + 1 / 2 + 0 + 0) / 4
    assert macro_f1(answers(0, 0, 1, 1, 0, 3), truths) == pytest.approx(expected)


def test_macro_f1_does_not_hide_a_rare_class_behind_a_common_one():
    truths = [LabelTruth(0)] * 98 + [LabelTruth(1)] * 2
    assert macro_f1(answers(*[0] * 100), truths) == pytest.approx(2 * 98 / 198 / 2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_macro_f1_equals_the_mean_over_classes_of_two_pr_over_p_plus_r(pairs):
    scores = []
    for label in {label for pair in pairs for label in pair}:
        hits = sum(answer == true == label for answer, true in pairs)
        given_, wanted = (sum(pair[side] == label for pair in pairs) for side in (0, 1))
        precision, recall = (hits / count if count else 0.0 for count in (given_, wanted))
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    predictions, truths = answers(*(answer for answer, _ in pairs)), [LabelTruth(true) for _, true in pairs]
    assert macro_f1(predictions, truths) == pytest.approx(sum(scores) / len(scores))


def test_macro_f1_of_no_frame_is_refused():
    with pytest.raises(NothingToScore):
        macro_f1([], [])


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


def cocos_counts(answers, truths):
    """What pycocotools counts at IoU 0.5 over all frames, from its own table of matches."""
    objects = [
        entry(frame, box, label)
        for frame, one in enumerate(truths)
        for box, label in zip(one.boxes, one.labels, strict=True)
    ]
    detected = [
        entry(frame, box, label) | {"score": float(score)}
        for frame, one in enumerate(answers)
        for box, label, score in zip(one.boxes, one.labels, one.scores, strict=True)
    ]
    truth = COCO()
    truth.dataset = {"info": {}, "images": [{"id": frame} for frame in range(len(truths))]}
    truth.dataset["annotations"] = [one | {"id": number, "iscrowd": 0} for number, one in enumerate(objects, 1)]
    truth.dataset["categories"] = [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(detected), "bbox")
    evaluation.params.iouThrs, evaluation.params.areaRng = np.array([0.5]), evaluation.params.areaRng[:1]
    evaluation.evaluate()
    matches = [found["dtMatches"][0] for found in evaluation.evalImgs if found is not None]
    right = sum(int((found > 0).sum()) for found in matches)
    return right, len(detected) - right, len(objects) - right


def entry(frame, box, label):
    left, top, right, bottom = map(float, box)
    size = [right - left, bottom - top]
    return {"image_id": frame, "category_id": int(label), "bbox": [left, top, *size], "area": size[0] * size[1]}


@pytest.mark.parametrize("seed", range(4))
def test_f1_is_that_of_pycocotools_on_the_same_detections(seed, capsys):
    random = np.random.default_rng(seed)

    def boxes(count):
        """Few places and sizes, shaken: many overlap, about as often too little as enough."""
        corners = random.integers(0, 3, (count, 2)) * 0.2 + random.normal(0, 0.03, (count, 2))
        return np.hstack([corners, corners + 0.3 + random.normal(0, 0.05, (count, 2))])

    truths, answers = [], []
    for count in random.integers(0, 7, (12, 2)).tolist():
        truths.append(BoxTruth(boxes(count[0]), random.integers(0, 2, count[0])))
        scores = random.uniform(0.5, 1.0, count[1]).astype(np.float32)  # unsorted
        answers.append(Detections(boxes(count[1]), random.integers(0, 2, count[1]), scores))
    scored = [frame_score(answer, truth) for answer, truth in zip(answers, truths, strict=True)]
    right, extra, missed = cocos_counts(answers, truths)
    assert min(right, extra, missed) > 0
    assert (sum(one.true_positives for one in scored), sum(one.false_positives for one in scored)) == (right, extra)
    assert accuracy(scored) == pytest.approx(2 * right / (2 * right + extra + missed), abs=1e-6)
    capsys.readouterr()  # pycocotools prints
