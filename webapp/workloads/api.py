"""The box's HTTP API: frames for data sets that were requested from it."""

from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from edge_runtime.protocol.messages import FrameIndex
from webapp.common.errors import InvalidInput, NotFound
from webapp.fleets.api import box_endpoint, decoded
from webapp.fleets.models import Box
from webapp.workloads.models import Dataset
from webapp.workloads.services import dataset_complete, dataset_frames_add
from webapp.workloads.services.datasets import FRAME_MAX_BYTES


class Completion(msgspec.Struct, frozen=True):
    problem: str = ""


@box_endpoint("POST")
def frames(request: HttpRequest, box: Box, dataset_id: UUID) -> HttpResponse:
    dataset = _dataset(box, dataset_id)
    index = decoded(request.POST.get("index", ""), FrameIndex)
    sent = request.FILES.getlist("files")
    if any(file.size > FRAME_MAX_BYTES for file in sent):  # before any is read
        raise InvalidInput("A frame has more than 4 MiB.", field="files")
    files = {file.name: file.read() for file in sent}
    if len(files) < len(sent):
        raise InvalidInput("Two pictures of this batch have the same name.", field="files")
    dataset_frames_add(dataset=dataset, index=index, files=files, now=timezone.now())
    return HttpResponse(status=204)


@box_endpoint("POST")
def complete(request: HttpRequest, box: Box, dataset_id: UUID) -> HttpResponse:
    problem = decoded(request.body, Completion).problem
    dataset_complete(dataset=_dataset(box, dataset_id), problem=problem, now=timezone.now())
    return HttpResponse(status=204)


def _dataset(box: Box, dataset_id: UUID) -> Dataset:
    dataset = Dataset.objects.filter(id=dataset_id, camera__box=box).first()
    if dataset is None:
        raise NotFound("This box is asked for no such frames.")
    return dataset
