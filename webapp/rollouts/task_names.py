"""Names of the tasks that this app enqueues."""

ADVANCE_ROLLOUT = "rollouts.advance"
