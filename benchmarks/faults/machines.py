"""The machines that the product runs on: full disks, clocks that jump, cameras that break. All of it injected."""

import time
from pathlib import Path

import httpx
from django.utils import timezone

from benchmarks.faults.fault import Outcome, Violated, fault
from benchmarks.faults.fleet import RATE_FPS, publish, put_back
from benchmarks.faults.product import BOX, Product
from demo.content import load_content
from tests.simulators.bad_cameras import GARBAGE, BadCamera
from tests.simulators.clips import write_clip
from tests.simulators.rtsp_server import RtspServer
from webapp.accounts.models import Person
from webapp.accounts.services import token_create
from webapp.fleets.models import Camera
from webapp.fleets.services import camera_create, camera_delete, camera_update
from webapp.workloads.models import Model

DAY_S = 86_400.0
CLOCK_HOLDS_S = 8.0
CAMERA_DOWN_S = 8.0
DATABASE_ROOM, DATABASE_FULL_S = 1 << 20, 10.0


@fault("disk of the box full", bound="statistics of that time that its memory does not hold")
def box_disk_full(product: Product) -> Outcome:
    query, _, _ = publish(product)
    before = product.fleet.report().manifest_digest
    product.processes.disk_full(BOX, is_full=True)
    product.network.connect()
    product.until(lambda: "disk is full" in product.fleet.report().sentence)
    if product.fleet.report().manifest_digest != before:
        raise Violated("the box does not run what it ran before")
    product.processes.disk_full(BOX, is_full=False)
    took = product.recovered()
    put_back(product, query)
    return Outcome(took, "ran on and said so; fetched the bundle when there was room")


@fault("disk of the artifact store full")
def store_disk_full(product: Product) -> Outcome:
    token = token_create(actor=_administrator(), name="faults", days=1, now=timezone.now())[1]
    before = Model.objects.count()
    product.processes.disk_full("web", is_full=True)
    answer = _upload(product, token)
    product.processes.disk_full("web", is_full=False)
    left = Model.objects.count() - before
    if answer.status_code < 500 or left:
        raise Violated(f"status {answer.status_code}, {left} models left: {answer.text[:200]}")
    sentence = answer.json()["message"]
    after = _upload(product, token)
    if after.status_code != 201:
        raise Violated(f"an upload fails when there is room again: {after.text[:200]}")
    model = Model.objects.get(id=after.json()["id"])
    took = product.until(lambda: product.fleet.is_checked(model))
    return Outcome(max(took, product.recovered()), f'the upload was refused whole: "{sentence[:90]}"')


@fault("disk under PostgreSQL full")
def database_disk_full(product: Product) -> Outcome:
    product.processes.stop("postgres")
    product.processes.start_again("postgres", largest_file=DATABASE_ROOM)  # another user's process takes no limit later
    time.sleep(DATABASE_FULL_S)
    state = "ran without writing" if product.processes.is_running("postgres") else "ended by itself"
    product.processes.stop("postgres")
    product.processes.start_again("postgres")
    return Outcome(product.recovered(), f"it {state}; statistics waited on the box")


@fault("the box's clock a day ahead, and back")
def box_clock_ahead(product: Product) -> Outcome:
    return _box_clock(product, DAY_S)


@fault("the box's clock a day behind, and back")
def box_clock_behind(product: Product) -> Outcome:
    return _box_clock(product, -DAY_S)


@fault("the web server's clock a day ahead, and back")
def server_clock_ahead(product: Product) -> Outcome:
    product.server_clock.write_text(str(DAY_S))
    time.sleep(CLOCK_HOLDS_S)
    product.server_clock.unlink()
    return Outcome(product.recovered(), "the box is neither thrown out nor its statistics refused")


@fault("camera killed", bound="that camera's frames while it is away")
def camera_killed(product: Product) -> Outcome:
    with _camera(product) as camera:
        camera.server.kill()
        camera.wait_for("connecting", "failed")
        camera.others_go_on()
        camera.server.start()
        return Outcome(camera.wait_for("running"), "the other camera's queries went on")


@fault("camera hanging", bound="that camera's frames while it hangs")
def camera_hanging(product: Product) -> Outcome:
    with _camera(product) as camera:
        camera.server.stall()
        camera.wait_for("connecting", "failed")
        camera.others_go_on()
        camera.server.resume()
        return Outcome(camera.wait_for("running"), "the other camera's queries went on")


@fault("camera that sends garbage for ever", bound="that camera's frames while it does")
def camera_garbage(product: Product) -> Outcome:
    with _camera(product) as camera, BadCamera(GARBAGE["MPEG-TS"]) as bad:
        camera.point_at(bad.url("http"))
        camera.wait_for("connecting", "failed")
        camera.others_go_on()
        camera.point_at(camera.server.url)
        return Outcome(camera.wait_for("running"), "the other camera's queries went on")


def _box_clock(product: Product, offset_s: float) -> Outcome:
    product.box_clock.write_text(str(offset_s))
    product.box_offset_s = offset_s
    time.sleep(CLOCK_HOLDS_S)
    product.until(product.is_well)  # with statistics of that other day
    product.box_clock.unlink()
    product.box_offset_s = 0.0
    return Outcome(product.recovered(), "no number of the statistics is missing or twice")


class _Camera:
    """A second camera of the box, over RTSP."""

    def __init__(self, product: Product, film: Path) -> None:
        self._product, self.server = product, RtspServer(film)

    def __enter__(self) -> "_Camera":
        self.server.start()
        fleet = self._product.fleet
        self._row = camera_create(
            actor=None, box=fleet.box, name=f"gate {time.time_ns()}", source=self.server.url, now=timezone.now()
        )
        self.wait_for("running")
        return self

    def __exit__(self, *_: object) -> None:
        self.server.resume()
        self.server.kill()
        camera_delete(actor=None, camera=Camera.objects.get(id=self._row.id), now=timezone.now())
        self._product.recovered()

    def point_at(self, source: str) -> None:
        row = Camera.objects.get(id=self._row.id)
        camera_update(actor=None, camera=row, name=row.name, source=source, privacy=row.privacy, now=timezone.now())

    def wait_for(self, *states: str) -> float:
        def is_so() -> bool:
            sample = self._product.fleet.newest_sample()
            cameras = {} if sample is None else {camera["camera"]: camera["state"] for camera in sample.cameras}
            return cameras.get(str(self._row.id)) in states

        return self._product.until(is_so)

    def others_go_on(self) -> None:
        """At least half of the frames that the other camera's queries want, on a machine that does much else."""
        since = timezone.now()
        time.sleep(CAMERA_DOWN_S)
        wanted = 2 * RATE_FPS * (CAMERA_DOWN_S - 2)
        processed = self._product.fleet.frames_processed(since)
        if processed < wanted / 2:
            raise Violated(f"{processed} frames of the other camera were processed where {wanted:.0f} were wanted")


def _camera(product: Product) -> _Camera:
    film = product.folder / "film.mp4"
    return _Camera(product, film if film.exists() else write_clip(film))


def _administrator() -> Person:
    found = Person.objects.filter(username="faults").first()
    return found or Person.objects.create_superuser("faults", password="only for this run")


def _upload(product: Product, token: str) -> httpx.Response:
    entry = load_content().models[-1]
    fields = {
        "site": str(product.fleet.site.id),
        "name": f"upload {time.time_ns()}",
        "architecture": entry.architecture,
        "classes": list(entry.classes),
        "input_height": "64",
        "input_width": "112",
    }
    files = {"weights": ("weights.safetensors", entry.weights.read_bytes())}
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{product.url}/api/v1/models/", data=fields, files=files, headers=headers, timeout=60.0)
