"""Changing models, queries and data sets."""

from webapp.workloads.services.datasets import (
    dataset_complete,
    dataset_delete,
    dataset_frames_add,
    dataset_import_record,
    dataset_request,
    dataset_upload,
)
from webapp.workloads.services.models import (
    model_check_record,
    model_delete,
    model_describe,
    model_recognise_record,
    model_register,
)
from webapp.workloads.services.queries import publish_enqueue, query_create, query_delete, query_update

__all__ = [
    "dataset_complete",
    "dataset_delete",
    "dataset_frames_add",
    "dataset_import_record",
    "dataset_request",
    "dataset_upload",
    "model_check_record",
    "model_delete",
    "model_describe",
    "model_recognise_record",
    "model_register",
    "publish_enqueue",
    "query_create",
    "query_delete",
    "query_update",
]
