"""What a box measured. Networks that it does not run now keep their figures, unless the hardware is another."""

from datetime import datetime

from django.db import transaction

from edge_runtime.protocol.measurements import BatchMeasured, BoxMeasured
from webapp.fleets.models import Box
from webapp.rollouts.models import BoxMeasurement, NetworkMeasurement
from webapp.rollouts.policies import check_measured

NETWORKS_KEPT = 500
_NETWORK = ["measurement", "architecture", "input_height", "input_width", "class_count"]


@transaction.atomic
def measured_record(*, box: Box, measured: BoxMeasured, now: datetime) -> BoxMeasurement:
    """The same message twice changes nothing but the time. Raises InvalidInput, UnknownPolicy."""
    check_measured(measured)
    NetworkMeasurement.objects.filter(measurement__box=box).exclude(measurement__hardware=measured.hardware).delete()
    values = {
        "hardware": measured.hardware,
        "policy": measured.policy,
        "budget_bytes": measured.budget_bytes,
        "overhead_bytes": measured.overhead_bytes,
        "load_bytes_per_s": measured.load_bytes_per_s,
        "visit_ms": measured.visit_ms,
        "short_visit_ms": measured.short_visit_ms,
        "measured_at": now,
    }
    measurement, _ = BoxMeasurement.objects.update_or_create(box=box, defaults=values)
    rows = [
        NetworkMeasurement(
            measurement=measurement,
            architecture=network.architecture,
            input_height=network.input_size[0],
            input_width=network.input_size[1],
            class_count=network.classes,
            batches=list(map(_batch, network.batches)),
            switch_ms=network.switch_ms,
            measured_at=now,
        )
        for network in {(one.architecture, one.input_size, one.classes): one for one in measured.networks}.values()
    ]
    NetworkMeasurement.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=_NETWORK, update_fields=["batches", "switch_ms", "measured_at"]
    )
    kept = measurement.networks.order_by("-measured_at").values("id")[:NETWORKS_KEPT]
    measurement.networks.exclude(id__in=list(kept.values_list("id", flat=True))).delete()
    return measurement


def _batch(batch: BatchMeasured) -> list[object]:
    """As NetworkMeasurement keeps it."""
    return [
        batch.size,
        batch.run_ms,
        batch.activation_bytes,
        batch.is_doubted,
        batch.after_load_ms,
        batch.beside_copy_ms,
    ]
