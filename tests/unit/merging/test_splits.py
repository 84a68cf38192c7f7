from hypothesis import given
from hypothesis import strategies as st

from workers.merging.splits import split_in_blocks


def test_cuts_one_recording_into_blocks_of_time():
    splits = split_in_blocks(range(10), None, None)
    assert (splits.train, splits.validation, splits.test) == ((0, 1, 2, 3, 4, 5), (6, 7), (8, 9))


def test_cuts_validation_off_the_end_of_training_when_only_test_is_given():
    splits = split_in_blocks(range(8), None, ["test"])
    assert (splits.train, splits.validation, splits.test) == ((0, 1, 2, 3, 4, 5), (6, 7), ("test",))


def test_cuts_test_off_the_end_of_training_when_only_validation_is_given():
    splits = split_in_blocks(range(8), ["validation"], None)
    assert (splits.train, splits.validation, splits.test) == ((0, 1, 2, 3, 4, 5), ("validation",), (6, 7))


def test_leaves_given_splits_alone():
    splits = split_in_blocks([1], [2], [3])
    assert (splits.train, splits.validation, splits.test) == ((1,), (2,), (3,))


@given(st.integers(0, 200), st.booleans(), st.booleans())
def test_loses_and_repeats_no_frame(count: int, has_validation: bool, has_test: bool):
    splits = split_in_blocks(range(count), [] if has_validation else None, [] if has_test else None)
    assert (*splits.train, *splits.validation, *splits.test) == tuple(range(count))
