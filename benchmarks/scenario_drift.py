"""A street that turns to night and rain, on the demo's real server, worker and box: what happens, and when.

`make scenario-drift`. The bridge is merged on a clear day only, so that the night is new to the merged models; the
originals were trained on all conditions. Prints when each thing happened, and fails where one did not, or not in time;
where all of it happened it goes into benchmarks/results/scenario_drift.json.
"""

import argparse
import contextlib
import dataclasses
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import save
from demo.instance import instance_read
from demo.processes import ROOT, environment

BOX, EMPTIED = "harbour-bridge", "north-gate"
VIEWS = {"Bridge east": "view=east&seed=7", "Bridge west": "view=west&seed=11"}
DAY = "scene://bridge?{}&light=day&weather=clear"
TURNING = "scene://bridge?{}&light=day-night&weather=clear-rain&turn_s={}"
TURN_S = 30
WINDOW_S, FRAMES_MIN = 120, 15
FRAMES, SPAN_S = 200, 60
MERGE_LIMIT_S = 900
QUERIES = 6


class DidNotHappen(Exception):
    """What was waited for, and for how long."""


class Watch:
    """Tells what happened when, in seconds since the last turn of the story; `story` keeps it."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self.story: list[dict[str, Any]] = []

    def turn(self, what: str) -> None:
        self._since = time.monotonic()
        self.tell(what)

    def tell(self, what: str, **figures: Any) -> None:
        after_s = time.monotonic() - self._since
        self.story.append({"after_s": round(after_s, 1), "what": what} | figures)
        print(f"{after_s:7.0f} s  {what}", flush=True)

    def until(self, what: str, condition: Callable[[], Any], within_s: float) -> Any:
        """The first true answer of `condition`. Raises DidNotHappen."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            answer = condition()
            if answer:
                self.tell(what)
                return answer
            time.sleep(1.0)
        raise DidNotHappen(f"{what}: not within {within_s:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patience", type=float, default=1.0, help="factor on every time limit, for a busy machine")
    patience = parser.parse_args().patience
    with tempfile.TemporaryDirectory(prefix="gemel-drift-") as folder, running_product(Path(folder), patience):
        import django

        django.setup()
        watch = Watch()
        run(watch, patience)
    settings = {"window_s": WINDOW_S, "frames_min": FRAMES_MIN, "turn_s": TURN_S, "patience": patience}
    path = save("scenario_drift", settings | {"story": watch.story})
    print(f"All of it happened. Written to {path}")


@contextlib.contextmanager
def running_product(folder: Path, patience: float) -> Iterator[None]:
    """As `make demo` starts it; this process then uses its database and queues as a worker would."""
    var_dir = folder / "var"
    own = {"GEMEL_DEMO_PASSWORD": secrets.token_hex(8), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "demo", "run", "--var-dir", str(var_dir), "--port", "8600"]
    with (folder / "output").open("wb") as log:
        product = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | own, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        instance = Watch().until("the product answers", lambda: instance_read(var_dir), 240 * patience)
        os.environ.update(environment(var_dir, instance.servers))
        yield
    except BaseException:
        print((folder / "output").read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        product.send_signal(signal.SIGINT)
        product.wait(60)


def run(watch: Watch, patience: float) -> None:
    from django.utils import timezone

    from webapp.drift.models import Drift, Response
    from webapp.drift.selectors import live_accuracies
    from webapp.drift.services import drift_settings_update
    from webapp.fleets.models import Box
    from webapp.fleets.services import camera_update
    from webapp.merges.models import MergedGroup, MergedGroupState, MergeRun
    from webapp.merges.policies import RunSettings
    from webapp.merges.services import merge_run_start, merged_group_decide
    from webapp.rollouts.models import BoxReport, Bundle
    from webapp.workloads.models import Dataset, DatasetState, Query
    from webapp.workloads.services import dataset_request, query_delete

    def until(what: str, condition: Callable[[], Any], within_s: float) -> Any:
        return watch.until(what, condition, within_s * patience)

    def runs(is_merged: bool) -> bool:
        """Whether the box itself says that it runs its newest bundle, and that is a merged one or not."""
        newest = Bundle.objects.filter(box=box, cancelled_at=None).order_by("-version").first()
        report = BoxReport.objects.filter(box=box).first()
        return bool(
            newest and report and newest.is_merged == is_merged and report.manifest_digest == newest.manifest_digest
        )

    def well(group: MergedGroup) -> bool:
        """Every member of the group keeps what is asked, on as many frames again as may have set the bar."""
        live = [one for one in live_accuracies(timezone.now()) if one.running.member.group_id == group.id]
        return bool(live) and all(
            one.bar is not None and one.window and one.window.frames >= 2 * FRAMES_MIN and one.window.value >= one.bar
            for one in live
        )

    def tell(group: MergedGroup) -> None:
        for one in live_accuracies(timezone.now()):
            if one.running.member.group_id == group.id and one.window:
                window, bar = one.window, one.bar
                words = (
                    f"{one.running.query.name}: {window.value:.1%} ({window.lower:.1%} to {window.upper:.1%}) of "
                    f"{window.frames} frames, asked {'nothing yet' if bar is None else f'{bar:.1%}'}"
                )
                watch.tell(words, query=one.running.query.name, asked=bar, **dataclasses.asdict(window))

    def approve(run: MergeRun) -> MergedGroup:
        groups = list(run.groups.filter(state=MergedGroupState.WAITING))
        if len(groups) != 1:
            raise DidNotHappen(f"one merged group of the run, but {len(groups)}: {run.problem or 'see its page'}")
        group: MergedGroup = groups[0]
        for member in group.members.all():
            words = (
                f"{member.name}: {member.validation_accuracy:.1%} {member.basis} on fresh frames "
                f"({member.validation_lower:.1%} to {member.validation_upper:.1%}), asked {member.accuracy_target:.1%}"
            )
            figures = {
                "value": member.validation_accuracy,
                "lower": member.validation_lower,
                "upper": member.validation_upper,
                "test_value": member.test_accuracy,
                "basis": member.basis,
            }
            watch.tell(words, query=member.name, asked=member.accuracy_target, **figures)
        merged_group_decide(actor=None, group=group, verdict="approve", reason="scenario", now=timezone.now())
        return group

    def is_set_up() -> bool:
        """Its last step is the ready merge of the box that this scenario then empties."""
        return Query.objects.count() == QUERIES and MergeRun.objects.filter(box__name=EMPTIED).exists()

    until("the demo is set up", is_set_up, 240)
    box = Box.objects.select_related("site").get(name=BOX)
    for query in Query.objects.filter(camera__box__name=EMPTIED):
        query_delete(actor=None, query=query, now=timezone.now())
    until("the box runs the originals", lambda: runs(is_merged=False), 180)
    drift_settings_update(
        actor=None,
        site=box.site,
        response=Response.MERGE,
        window_s=WINDOW_S,
        frames_min=FRAMES_MIN,
        merge_frames=FRAMES,
        merge_span_s=SPAN_S,
        now=timezone.now(),
    )
    cameras = list(box.cameras.select_related("box__site"))
    for camera in cameras:
        camera_update(actor=None, camera=camera, source=DAY.format(VIEWS[camera.name]), now=timezone.now())
    time.sleep(10)  # the box opens the cameras anew
    asked = [
        dataset_request(
            actor=None, camera=camera, name="clear day", frames=FRAMES, span_s=float(SPAN_S), now=timezone.now()
        ).id
        for camera in cameras
    ]
    ready = Dataset.objects.filter(id__in=asked, state=DatasetState.READY)
    until("frames of a clear day are there", lambda: ready.count() == len(asked), SPAN_S + 120)
    settings = RunSettings(time_limit_s=MERGE_LIMIT_S)
    first = merge_run_start(actor=None, box=box, settings=settings, now=timezone.now())
    until("the first merge has ended", lambda: MergeRun.objects.get(id=first.id).ended_at, MERGE_LIMIT_S)
    merged = approve(first)
    until("the box runs the merged models", lambda: runs(is_merged=True), 120)
    until("they keep what is asked by day", lambda: well(merged), 300)
    tell(merged)

    for camera in cameras:
        source = TURNING.format(VIEWS[camera.name], TURN_S)
        camera_update(actor=None, camera=camera, source=source, now=timezone.now())
    watch.turn(f"the bridge turns to night and rain in {TURN_S} s")
    found: Drift = until("drift is found", lambda: Drift.objects.filter(group=merged).first(), TURN_S + WINDOW_S + 90)
    figures = {"value": found.value, "lower": found.lower, "upper": found.upper, "frames": found.frames}
    words = f"{found.query_name}: {found.value:.1%} (up to {found.upper:.1%}), asked {found.bar:.1%}"
    watch.tell(words, query=found.query_name, asked=found.bar, **figures)
    group = MergedGroup.objects.filter(id=merged.id, state=MergedGroupState.REVERTED)
    until("the merged group is reverted", group.exists, 60)
    until("the box runs the originals again", lambda: runs(is_merged=False), 120)
    drifts = Drift.objects.filter(id=found.id)
    until("fresh frames are there, a new merge goes on", drifts.exclude(run=None).exists, SPAN_S + 180)
    until("it waits for a decision", drifts.filter(state="waiting").exists, MERGE_LIMIT_S + 1200)
    again = approve(MergeRun.objects.get(drifts=found))
    until("the box runs the new merge", lambda: runs(is_merged=True), 120)
    until("it keeps what is asked at night", lambda: well(again), 300)
    tell(again)
    until("the drift is over", drifts.exclude(ended_at=None).exists, 60)


if __name__ == "__main__":
    try:
        main()
    except DidNotHappen as error:
        sys.exit(f"FAILED   {error}")
