"""Names of the tasks that this app and higher ones enqueue: the web application never imports the workers."""

from webapp.fleets.task_names import LIGHT_QUEUE

__all__ = ["DATASET_IMPORT", "LIGHT_QUEUE", "MODEL_CHECK", "PUBLISH_BUNDLE"]

MODEL_CHECK = "models.check"
DATASET_IMPORT = "datasets.import"
PUBLISH_BUNDLE = "rollouts.publish_bundle"
