"""Importing an uploaded archive into a data set's folder."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from webapp.common.folders import local_file, new_folder
from webapp.jobs.models import JobState
from webapp.workloads.archives import ArchiveError, opened_archive
from webapp.workloads.labelled import Unpacked, unpack_coco, unpack_image_folders
from webapp.workloads.models import Dataset, DatasetKind, DatasetState
from webapp.workloads.services import dataset_import_record
from webapp.workloads.task_names import DATASET_IMPORT
from workers.tasks.leases import Lease, leased

_UNPACK = {DatasetKind.COCO: unpack_coco, DatasetKind.IMAGEFOLDER: unpack_image_folders}


@shared_task(name=DATASET_IMPORT)
def import_dataset(job_id: str) -> None:
    with leased(job_id) as lease:
        if lease is None:
            return
        datasets = Dataset.objects.select_related("camera__box")
        dataset = datasets.filter(id=lease.job.subject, state=DatasetState.CHECKING).first()
        if dataset is None:
            lease.end(JobState.SUCCEEDED)
            return
        found, problem = _unpacked(dataset, lease)
        with transaction.atomic():
            if lease.end(JobState.SUCCEEDED):
                dataset_import_record(
                    dataset=dataset,
                    frame_count=found.frame_count,
                    labelled_count=found.labelled_count,
                    problem=problem,
                    now=timezone.now(),
                )


def _unpacked(dataset: Dataset, lease: Lease) -> tuple[Unpacked, str]:
    """Unpacked beside the data set's folder and moved there whole: a worker that dies leaves nothing half."""
    try:
        with new_folder(dataset.folder, lease.job.attempts) as staging:
            with local_file(dataset.upload) as upload, opened_archive(upload, lease.require) as archive:
                found = _UNPACK[DatasetKind(dataset.kind)](archive, staging)
            lease.require()
    except ArchiveError as error:
        return Unpacked(0, 0), str(error)
    return found, ""
