"""What a new bundle changes, in words."""

import pytest

from edge_runtime.protocol.manifest import Manifest, ModelEntry
from webapp.rollouts.composing import publish_reason


def entry(slot: str, group: str | None = None) -> ModelEntry:
    return ModelEntry(slot, "classification", "resnet18", ("car",), (32, 32), {}, None, group)


def manifest(*models: ModelEntry) -> Manifest:
    return Manifest("box", 1, models, "2026-05-04T12:00:00")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (None, (entry("a"),), "1 query added"),
        (manifest(entry("a"), entry("b")), (entry("a"), entry("c")), "1 query added, 1 query removed"),
        (manifest(entry("a"), entry("b")), (entry("a", "g"), entry("b", "g")), "2 queries merged"),
        (manifest(entry("a", "g")), (entry("a"),), "1 query back on their originals"),
        (manifest(entry("a", "g")), (entry("a", "h"),), "1 query merged"),
        (manifest(entry("a", "g"), entry("b", "g")), (entry("a", "g"), entry("b", "g")), "models changed"),
    ],
)
def test_the_reason_counts_what_changed(before: Manifest | None, after: tuple[ModelEntry, ...], sentence: str) -> None:
    assert publish_reason(before, after) == sentence
