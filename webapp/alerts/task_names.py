"""Names of the tasks that this app enqueues."""

DELIVER = "alerts.deliver"
