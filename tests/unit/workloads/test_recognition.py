"""What a person may say of an upload whose tensors told something."""

import pytest

from webapp.workloads.recognition import Candidate, Recognition, contradiction

ONE = Recognition(122, 44_000_000, (Candidate("resnet18", "classification", 3),))
SIZED = Recognition(152, 340_000_000, (Candidate("vit_b_16", "classification", 3, (96, 96)),))
TWO = Recognition(9, 9, (Candidate("narrow", "detection", 2), Candidate("wide", "detection", 2)))
THREE_NAMES = ("car", "bus", "truck")


@pytest.mark.parametrize(
    ("found", "architecture", "classes", "size", "field", "sentence"),
    [
        (ONE, "resnet50", THREE_NAMES, None, "architecture", "those of resnet18, not of resnet50"),
        (TWO, "resnet50", (), None, "architecture", "those of narrow or wide, not of resnet50"),
        (ONE, "", ("car",), None, "classes", "trained for 3 classes, but 1 is named: name all 3"),
        (ONE, "resnet18", ("car", "bus"), None, "classes", "but 2 are named"),
        (SIZED, "", (), (224, 224), "input_size", "96x96 pixels only"),
    ],
)
def test_contradicts_at_the_field_that_is_wrong(found, architecture, classes, size, field, sentence):
    wrong = contradiction(found, architecture, classes, size)
    assert sentence in str(wrong)
    assert wrong.field == field


@pytest.mark.parametrize(
    ("found", "architecture", "classes", "size"),
    [
        (ONE, "", (), None),
        (ONE, "resnet18", THREE_NAMES, (64, 64)),
        (SIZED, "", (), (96, 96)),
        (TWO, "", ("a", "b", "c"), None),  # which of the two is to be said first
        (Recognition(), "", THREE_NAMES, None),
    ],
)
def test_takes_what_the_tensors_do_not_deny(found, architecture, classes, size):
    assert contradiction(found, architecture, classes, size) is None


def test_the_only_candidate_needs_no_name():
    assert ONE.candidate("").architecture == "resnet18"
    assert TWO.candidate("") is None
    assert TWO.candidate("wide").architecture == "wide"
