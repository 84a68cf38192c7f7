"""What the demo consists of: cameras, models that the project trained itself, queries. Reads demo.yaml; no torch.

`load_content()` is what the seed and `python -m demo.originals` both start from.
"""

from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent
WEIGHTS = FOLDER / "originals"
RESULTS = FOLDER / "originals.json"


class Camera(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    box: str
    name: str
    source: str


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`seed` decides the first weights and the order of pictures; `rate` is the highest learning rate.

    `days`: how many rendered days to train on, see pictures.py.
    """

    seed: int
    days: int
    steps: int
    batch: int
    rate: float


class Original(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model, trained on other days of `camera` (its name). `input_size` is (height, width)."""

    slug: str
    name: str
    camera: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    training: Training

    @property
    def weights(self) -> Path:
        return WEIGHTS / f"{self.slug}.safetensors"


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`model` and `camera` are names."""

    name: str
    model: str
    camera: str
    objects: tuple[str, ...]
    accuracy_target: float
    rate_fps: float
    deadline_ms: int


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cameras: tuple[Camera, ...]
    models: tuple[Original, ...]
    queries: tuple[Query, ...]

    def camera(self, name: str) -> Camera:
        return next(camera for camera in self.cameras if camera.name == name)


class Measured(msgspec.Struct, frozen=True):
    """What training an original gave. Accuracies: top-1 or F1 at IoU 0.5, of the shipped half-precision weights.

    `camera` is the address whose other days were trained on; validation and test days were never trained on.
    """

    slug: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    camera: str
    accuracy_validation: float
    accuracy_test: float
    frames_train: int
    frames_test: int
    steps: int
    seconds: float
    seed: int
    size_bytes: int


def load_content() -> Content:
    return msgspec.yaml.decode((FOLDER / "demo.yaml").read_bytes(), type=Content)


def load_results() -> dict[str, Measured]:
    """By slug; empty before anything was trained."""
    if not RESULTS.exists():
        return {}
    return {item.slug: item for item in msgspec.json.decode(RESULTS.read_bytes(), type=tuple[Measured, ...])}


def save_result(result: Measured) -> None:
    results = load_results() | {result.slug: result}
    ordered = [results[model.slug] for model in load_content().models if model.slug in results]
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=2) + b"\n")
