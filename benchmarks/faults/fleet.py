"""The fleet of the matrix: a site, a box with two queries on one street, and what its database says about them."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db.models import Count, Max
from django.utils import timezone

from benchmarks.faults.fault import Violated
from demo.content import load_content
from edge_runtime.agent.enrolment import enrol
from edge_runtime.protocol.enrolment import Hardware
from webapp.common.blobs import blob_open, blob_path, blob_put
from webapp.fleets.models import Box, Camera, Site
from webapp.fleets.services import box_create, camera_create, join_code_create, site_create
from webapp.rollouts.models import BoxReport, Bundle
from webapp.rollouts.selectors import current_bundle
from webapp.telemetry.models import BoxSample, QuerySample
from webapp.workloads.models import CheckState, Model, Query
from webapp.workloads.services import model_register, query_create, query_delete

STREET = "Bridge west"
MODELS = ("bridge-west-weather", "bridge-west-light")
HARDWARE = Hardware("faults", "", 0, 0, "cpu", "", "")
RATE_FPS = 2.0


class Fleet:
    site: Site
    box: Box
    camera: Camera

    def seed(self, product: Any) -> None:
        content = load_content()
        self.site = site_create(actor=None, name="Harbour", now=timezone.now())
        models = [self.register(slug) for slug in MODELS]
        self.box = box_create(actor=None, site=self.site, name="north gate", now=timezone.now())[0]
        source = content.camera(STREET).source
        self.camera = camera_create(actor=None, box=self.box, name=STREET, source=source, now=timezone.now())
        self.join(product)
        for model in models:
            product.until(lambda model=model: self.is_checked(model))
            self.ask(model)

    def join(self, product: Any) -> None:
        code = join_code_create(actor=None, box=self.box, now=timezone.now())
        enrol(server=product.network.url, code=code, state_dir=product.state, hardware=HARDWARE)

    def register(self, slug: str, name: str = "") -> Model:
        entry = next(model for model in load_content().models if model.slug == slug)
        with entry.weights.open("rb") as weights:
            return model_register(
                actor=None,
                site=self.site,
                name=name or entry.name,
                architecture=entry.architecture,
                classes=entry.classes,
                input_size=entry.input_size,
                weights=File(weights),
                now=timezone.now(),
            )

    def is_checked(self, model: Model) -> bool:
        model.refresh_from_db()
        if model.state == CheckState.REJECTED:
            raise Violated(f"The model was rejected: {model.problem}")
        return model.state == CheckState.READY

    def ask(self, model: Model) -> Query:
        return query_create(
            actor=None,
            camera=self.camera,
            model=model,
            name=model.name,
            objects=model.classes[:2],
            accuracy_target=0.5,
            rate_fps=RATE_FPS,
            deadline_ms=2000,
            now=timezone.now(),
        )

    def new_model(self) -> tuple[Model, str]:
        """Like the first one but for its largest tensor, whose blob the box does not have: (model, digest)."""
        model = Model.objects.filter(site=self.site, state=CheckState.READY).order_by("created_at")[0]
        name, entry = max(model.tensors.items(), key=lambda item: blob_size(item[1]["digest"]))
        with blob_open(entry["digest"]) as blob:
            content = bytearray(blob.read())
        content[:4] = random.randbytes(2) + b"\x00\x3c"  # a small float
        digest = blob_put(bytes(content))
        model.pk, model.name = None, f"Another {random.getrandbits(32):08x}"
        model.tensors = {**model.tensors, name: {**entry, "digest": digest}}
        model.id = Model._meta.get_field("id").get_default()
        model.save(force_insert=True)
        return model, digest

    def forget(self, query: Query) -> None:
        query_delete(actor=None, query=query, now=timezone.now())

    def put_right(self) -> None:
        """After a fault that went wrong: the first queries only, which a new bundle brings whatever the last one is."""
        for query in Query.objects.filter(camera__box=self.box).order_by("created_at")[len(MODELS) :]:
            self.forget(query)

    # What the database says.

    def bundle(self) -> Bundle:
        found = current_bundle(self.box)
        if found is None:
            raise Violated("There is no bundle.")
        return found

    def report(self) -> BoxReport:
        return BoxReport.objects.filter(box=self.box).first() or BoxReport(box=self.box)

    def is_at_target(self) -> bool:
        """the box running its target bundle, connected"""
        bundle, report = current_bundle(self.box), self.report()
        wanted = Query.objects.filter(camera__box=self.box).count()
        return (
            bundle is not None
            and report.manifest_digest == bundle.manifest_digest
            and report.state == "running"
            and Box.objects.get(id=self.box.id).is_connected
            and len(msgspec.json.decode(bundle.manifest)["models"]) == wanted
        )

    def newest_sample(self) -> BoxSample | None:
        return BoxSample.objects.filter(box=self.box).order_by("-id").first()

    def measured_before(self, at: float) -> float:
        """Unix seconds of the last statistics that were measured before then."""
        when = datetime.fromtimestamp(at, UTC)
        found = BoxSample.objects.filter(box=self.box, at__lte=when).aggregate(last=Max("at"))["last"]
        return 0.0 if found is None else found.timestamp()

    def sample_age_s(self, offset_s: float = 0.0) -> float:
        """Of the newest one to arrive, by a box's clock `offset_s` ahead; the server takes a minute of it at most."""
        newest = self.newest_sample()
        if newest is None:
            return float("inf")
        return (timezone.now() + timedelta(seconds=min(offset_s, 60.0)) - newest.at).total_seconds()

    def samples_missing(self) -> int:
        """Numbers that a box's boot gave to statistics, from 1 to the highest that came, and that are not there."""
        boots = BoxSample.objects.filter(box=self.box).values("boot_id").annotate(n=Count("id"), last=Max("seq"))
        return sum(boot["last"] - boot["n"] for boot in boots)

    def frames_processed(self, since: Any) -> int:
        samples = QuerySample.objects.filter(box_sample__box=self.box, at__gt=since)
        return sum(samples.values_list("processed", flat=True))


def publish(product: Any) -> tuple[Query, Bundle, str]:
    """A query with a new model while the box cannot hear of it: (query, its bundle, digest of the blob that is new)."""
    fleet = product.fleet
    product.network.refuse()
    before = fleet.bundle().version
    model, digest = fleet.new_model()
    query = fleet.ask(model)
    product.until(lambda: fleet.bundle().version > before)
    return query, fleet.bundle(), digest


def put_back(product: Any, query: Query) -> None:
    """The two queries that there were before."""
    product.fleet.forget(query)
    product.until(product.is_well)


def blob_size(digest: str) -> int:
    return int(default_storage.size(blob_path(digest)))


def blob_file(digest: str) -> Path:
    return Path(default_storage.path(blob_path(digest)))
