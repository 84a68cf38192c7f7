"""The box's side of the server: enrolment, target-state reconciler, telemetry."""
