"""What data a merge needs. Pure: no database."""

from django.utils.translation import gettext

from edge_runtime.protocol.architectures import CLASSIFICATION
from webapp.workloads.models import DatasetKind

MIN_FRAMES = 100


def suits(kind: str, task: str) -> bool:
    """Whether a data set of `kind` can teach a model of `task`: image folders hold classes, COCO holds boxes."""
    if kind == DatasetKind.FRAMES:
        return True
    return kind == (DatasetKind.IMAGEFOLDER if task == CLASSIFICATION else DatasetKind.COCO)


def dataset_problem(query: str, camera: str, frames: int | None) -> str:
    """One sentence on what data `query` lacks, "" when it has enough. `frames` None: no usable data set at all."""
    if frames is None:
        return gettext(
            '"%(query)s" has no data set: request at least %(min_frames)s frames of %(camera)s or upload a '
            "labelled archive."
        ) % {"query": query, "min_frames": MIN_FRAMES, "camera": camera}
    if frames < MIN_FRAMES:
        return gettext('"%(query)s" has %(frames)s frames; a merge needs at least %(min_frames)s of %(camera)s.') % {
            "query": query,
            "frames": frames,
            "min_frames": MIN_FRAMES,
            "camera": camera,
        }
    return ""
