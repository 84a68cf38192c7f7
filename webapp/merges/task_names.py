"""Names of the tasks that this app enqueues."""

GPU_QUEUE = "gpu"

MERGE_RUN = "merges.run"
