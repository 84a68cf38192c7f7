"""What the demo shows, as written in content/demo.yaml: cameras, the models trained for them, and queries."""

from pathlib import Path

import msgspec
import yaml

CONTENT = Path(__file__).resolve().parent / "content"


class CameraEntry(msgspec.Struct, frozen=True):
    box: str
    name: str
    source: str


class ModelEntry(msgspec.Struct, frozen=True):
    """`input_size` is (height, width)."""

    slug: str
    name: str
    camera: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]

    @property
    def weights(self) -> Path:
        return CONTENT / "originals" / f"{self.slug}.safetensors"


class QueryEntry(msgspec.Struct, frozen=True):
    name: str
    model: str
    camera: str
    objects: tuple[str, ...]
    accuracy_target: float
    rate_fps: float
    deadline_ms: int


class Catalogue(msgspec.Struct, frozen=True):
    """Camera and model names are unique in it."""

    cameras: tuple[CameraEntry, ...]
    models: tuple[ModelEntry, ...]
    queries: tuple[QueryEntry, ...]


def catalogue_read() -> Catalogue:
    return msgspec.convert(yaml.safe_load((CONTENT / "demo.yaml").read_text()), Catalogue)


def merge_folder(box: str) -> Path:
    """Where the precomputed merge of a box lies, if it has one."""
    return CONTENT / "merges" / box
