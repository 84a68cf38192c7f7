"""Names of the tasks that this app and higher ones enqueue: the web application never imports the workers."""

LIGHT_QUEUE = "light"

MODEL_CHECK = "models.check"
DATASET_IMPORT = "datasets.import"
PUBLISH_BUNDLE = "rollouts.publish_bundle"
