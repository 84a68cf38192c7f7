"""What makes a model or a query acceptable. Pure: no database."""

from collections.abc import Sequence

from django.utils.translation import gettext

from edge_runtime.protocol.architectures import ARCHITECTURES
from edge_runtime.protocol.target import Zone
from webapp.common.errors import InvalidInput
from webapp.workloads.zones import Point, checked_zone

RATE_FPS = (0.1, 60.0)
DEADLINE_MS = (20, 60_000)
PRIORITY = (0.1, 10.0)
SIDE_PIXELS = (16, 2048)
CLASSES_MAX = 1000
DETECTION = "detection"  # edge_runtime.vision.spec.Task


def checked_classes(classes: Sequence[str]) -> list[str]:
    """Class names in order. Raises InvalidInput."""
    names = [name.strip() for name in classes if name.strip()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names:
        raise InvalidInput(
            gettext("Name at least one class, in the order the model was trained with."), field="classes"
        )
    if repeated:
        raise InvalidInput(
            gettext('The class "%(repeated)s" is named twice.') % {"repeated": repeated[0]}, field="classes"
        )
    if len(names) > CLASSES_MAX or max(map(len, names)) > 100:
        raise InvalidInput(
            gettext("A model has at most %(classes_max)s classes of 100 characters each.")
            % {"classes_max": CLASSES_MAX},
            field="classes",
        )
    return names


def checked_architecture(architecture: str) -> str:
    if architecture not in ARCHITECTURES:
        raise InvalidInput(
            gettext('There is no architecture "%(architecture)s". Choose one of: %(choices)s.')
            % {"architecture": architecture, "choices": ", ".join(sorted(ARCHITECTURES))},
            field="architecture",
        )
    return architecture


def checked_input_size(size: tuple[int, int]) -> tuple[int, int]:
    """(height, width) in pixels. Raises InvalidInput."""
    low, high = SIDE_PIXELS
    if not all(low <= side <= high for side in size):
        raise InvalidInput(
            gettext("Height and width of the input lie between %(low)s and %(high)s pixels.")
            % {"low": low, "high": high},
            field="input_size",
        )
    return size


def checked_objects(objects: Sequence[str], classes: Sequence[str], model_name: str) -> list[str]:
    """The objects, in the order of the model's classes. Raises InvalidInput naming every one that does not match."""
    strangers = [name for name in objects if name not in classes]
    if strangers:
        wrong = ", ".join(f'"{name}"' for name in strangers)
        raise InvalidInput(
            gettext("%(model_name)s does not know %(wrong)s: its classes are %(choices)s.")
            % {"model_name": model_name, "wrong": wrong, "choices": ", ".join(classes)},
            field="objects",
        )
    if not objects:
        raise InvalidInput(gettext("Choose at least one object to look for."), field="objects")
    return [name for name in classes if name in objects]


def checked_zone_of(zone: Sequence[Point], task: str, model_name: str) -> Zone:
    """The zone of a query whose model has this task. Raises InvalidInput."""
    if zone and task != DETECTION:
        raise InvalidInput(
            gettext(
                "%(model_name)s is a classifier: it judges the whole picture, as it was trained and merged on "
                "whole ones. Clear the zone, or choose a detection model."
            )
            % {"model_name": model_name},
            field="zone",
        )
    return checked_zone(zone)


def check_numbers(accuracy_target: float, rate_fps: float, deadline_ms: int, priority: float) -> None:
    """Raises InvalidInput. Written so that NaN fails, too."""
    if not 0 < accuracy_target <= 1:
        raise InvalidInput(
            gettext("The accuracy target is a fraction above 0 and up to 1, such as 0.95; %(accuracy_target)s is not.")
            % {"accuracy_target": accuracy_target},
            field="accuracy_target",
        )
    if not RATE_FPS[0] <= rate_fps <= RATE_FPS[1]:
        raise InvalidInput(
            gettext("The rate lies between %(low)s and %(high)s frames/s.")
            % {"low": RATE_FPS[0], "high": f"{RATE_FPS[1]:g}"},
            field="rate_fps",
        )
    if not DEADLINE_MS[0] <= deadline_ms <= DEADLINE_MS[1]:
        raise InvalidInput(
            gettext("The deadline lies between %(low)s and %(high)s ms.")
            % {"low": DEADLINE_MS[0], "high": DEADLINE_MS[1]},
            field="deadline_ms",
        )
    if not PRIORITY[0] <= priority <= PRIORITY[1]:
        raise InvalidInput(
            gettext("The priority lies between %(low)s and %(high)s; that of an ordinary query is 1.")
            % {"low": PRIORITY[0], "high": f"{PRIORITY[1]:g}"},
            field="priority",
        )
