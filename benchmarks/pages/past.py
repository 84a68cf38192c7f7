"""What a big fleet has behind it: merges, rollouts, alerts, results of some cameras, and the audit log."""

from datetime import datetime, timedelta
from itertools import cycle

from benchmarks.pages.statistics import MIB, execute, insert
from webapp.accounts.models import Person
from webapp.alerts.models import Alert, AlertKind
from webapp.audit.models import AuditEvent
from webapp.fleets.models import Box
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergedGroupState, MergeRun, MergeRunState
from webapp.results.models import Event, MinuteCount
from webapp.rollouts.models import Bundle, Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.workloads.models import Query

COUNTED_CAMERAS = 40  # have counts and events of a week; pages of these are measured
ROLLOUTS = 10


def merges(now: datetime, person: Person) -> None:
    """A run and a merged group for every tenth box; every tenth of these waits for a decision."""
    accuracy = {"validation_accuracy": 0.973, "validation_lower": 0.961, "validation_upper": 0.984}
    judged = {"accuracy_target": 0.95, "basis": "agreement", "merged_accuracy": 0.97, **accuracy}
    for number, box in enumerate(Box.objects.all()[::10]):
        at = now - timedelta(days=20, minutes=number)
        run = MergeRun.objects.create(
            box=box, state=MergeRunState.SUCCEEDED, requested_by=person, created_at=at, ended_at=at
        )
        queries = list(Query.objects.filter(camera__box=box).select_related("model"))
        members = {query.name: ["layer58", "layer59"] for query in queries}
        group = MergedGroup.objects.create(
            run=run,
            name=" + ".join(members)[:200],
            state=MergedGroupState.WAITING if number % 10 == 0 else MergedGroupState.APPROVED,
            bytes_before=150 * MIB,
            bytes_after=90 * MIB,
            shared_layers=[{"size_bytes": MIB, "members": members}],
            created_at=at,
        )
        MergedGroupQuery.objects.bulk_create(
            MergedGroupQuery(
                group=group, query=query, model=query.model, name=query.name, tensors=query.model.tensors, **judged
            )
            for query in queries
        )


def rollouts(person: Person, now: datetime) -> None:
    """Of approved groups, each to all boxes of its site but its own; half of them still go on."""
    bundles = dict(Bundle.objects.values_list("box_id", "id"))
    approved = MergedGroup.objects.filter(state=MergedGroupState.APPROVED).select_related("run__box")
    for number, group in enumerate(approved[:ROLLOUTS]):
        is_running = number % 2 == 0
        rollout = Rollout.objects.create(
            group=group,
            state=RolloutState.RUNNING if is_running else RolloutState.FINISHED,
            percentages=[10, 50, 100],
            success_percent=100,
            error_percent=0,
            requested_by=person,
            created_at=now - timedelta(days=number),
        )
        boxes = Box.objects.filter(site=group.run.box.site_id).exclude(id=group.run.box_id)
        states = cycle(
            (RolloutBoxState.SUCCEEDED, RolloutBoxState.WAITING) if is_running else (RolloutBoxState.SUCCEEDED,)
        )
        RolloutBox.objects.bulk_create(
            RolloutBox(rollout=rollout, box=box, wave=1 + n % 3, state=state, bundle_id=bundles.get(box.id))
            for n, (box, state) in enumerate(zip(boxes, states, strict=False))
        )


def alerts(now: datetime) -> None:
    """Five closed ones of each box, and an open one of those that are offline."""
    boxes = list(Box.objects.all())
    rows = [
        (box, now - timedelta(hours=30 * n), now - timedelta(hours=30 * n - 1)) for box in boxes for n in range(1, 6)
    ]
    rows += [(box, now - timedelta(hours=2), None) for box in boxes if not box.is_connected]
    Alert.objects.bulk_create(
        Alert(
            site_id=box.site_id,
            kind=AlertKind.BOX_OFFLINE,
            subject_type="box",
            subject_id=box.id,
            subject_name=box.name,
            sentence=f"{box} is offline.",
            noticed_at=opened,
            opened_at=opened,
            closed_at=closed,
        )
        for box, opened, closed in rows
    )


def results(now: datetime) -> None:
    chosen = Query.objects.order_by("created_at", "id")[:COUNTED_CAMERAS].values_list("id", flat=True)
    ids = ", ".join(f"'{query_id}'" for query_id in chosen)
    queries = (
        f"{Query._meta.db_table} AS query JOIN generate_series(0, {{last}}) AS n ON query.id IN ({ids}) ORDER BY n DESC"
    )
    minute = f"date_trunc('minute', TIMESTAMPTZ '{now.isoformat()}') - n * INTERVAL '1 minute'"
    made = {"camera_id": "query.camera_id", "query_id": "query.id", "minute": minute}
    made |= {"appeared": "jsonb_build_object('car', n % 7)", "present": """'{"car": 90.0}'::jsonb"""}
    execute(insert(MinuteCount, queries.format(last=7 * 24 * 60 - 1), made, {"frames": 300}))
    at = f"TIMESTAMPTZ '{now.isoformat()}'"
    made = {
        "id": "gen_random_uuid()",
        "camera_id": "query.camera_id",
        "query_id": "query.id",
        "query_name": "query.name",
    }
    made |= {"kind": "'changed'", "label": "'car'", "picture": "''", "recorded_at": at}
    made["at"] = f"{at} - n * INTERVAL '5 minutes'"
    constant = {"score": 0.9, "picture_width": 0, "picture_height": 0}
    execute(insert(Event, queries.format(last=999), made, constant))


def audit(person: Person, now: datetime) -> None:
    boxes = list(Box.objects.all())
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=now - timedelta(minutes=n),
                actor=person,
                action="box.update",
                subject_type="box",
                subject_id=(box := boxes[n % len(boxes)]).id,
                subject_name=box.name,
                site_id=box.site_id,
            )
            for n in range(50 * len(boxes))
        ),
        batch_size=5000,
    )
