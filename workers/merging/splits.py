"""Contiguous blocks of one recording for training, validation and test: by time, never by random frame.

Neighbouring frames of a camera look alike, so a random split would test on what was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

TRAIN_SHARE, VALIDATION_SHARE = 0.6, 0.2


@dataclass(frozen=True)
class Splits(Generic[T]):
    train: T
    validation: T
    test: T


def split_in_blocks(
    train: Sequence[T], validation: Sequence[T] | None, test: Sequence[T] | None
) -> Splits[tuple[T, ...]]:
    """Splits that are not given are cut off the end of `train`: first comes train, then validation, then test.

    60 % / 20 % / 20 % where only `train` is given; the same proportions among what is cut otherwise.
    """
    rest = 1 - TRAIN_SHARE - VALIDATION_SHARE
    shares = (TRAIN_SHARE, VALIDATION_SHARE * (validation is None), rest * (test is None))
    first = round(len(train) * shares[0] / sum(shares))
    second = first + round(len(train) * shares[1] / sum(shares))
    second = len(train) if test is not None else second
    return Splits(
        tuple(train[:first]),
        tuple(train[first:second] if validation is None else validation),
        tuple(train[second:] if test is None else test),
    )
