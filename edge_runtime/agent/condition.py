"""How the box is, in one word and one sentence: pure."""

from collections.abc import Mapping, Sequence

from edge_runtime.protocol.messages import CameraSample, Report
from edge_runtime.protocol.target import TargetState

REASONS_MAX = 6


def report(
    *,
    target: TargetState | None,
    failures: Sequence[str],
    progress: str,
    model_problems: Mapping[str, str],
    warnings: Sequence[str],
    cameras: Sequence[CameraSample],
    running: tuple[str, int],
    bytes_downloaded: int,
    is_confirmed: bool,
    refused: str,
) -> Report:
    """`failures`: sentences of steps that failed; `progress`: what is being done, ""; `running`: (digest, version).
    `warnings`: sentences about all models together; `refused`: digest of the bundle that was given up, "".

    Not being at the target outweighs a part that fails. All that is wrong is told, the worst first.
    """
    behind = list(filter(None, (*failures, progress or _gap(target, running))))
    if target is None and not behind:
        behind = ["The box has not received its target from the server yet."]
    failing, asked = _failing(target, cameras), _asked(target)
    watched = [words for camera, words in failing.items() if camera in asked]
    unwatched = [words for camera, words in failing.items() if camera not in asked]
    wrong = [*behind, *model_problems.values(), *watched, *warnings, *unwatched]
    left_out = len(wrong) - REASONS_MAX
    if left_out > 0:
        wrong[REASONS_MAX:] = [f"{left_out} more {'thing is' if left_out == 1 else 'things are'} wrong."]
    return Report(
        state="not at target" if behind else "degraded" if wrong else "running",
        sentence="\n".join(wrong),
        manifest_digest=running[0],
        bundle_version=running[1],
        bytes_downloaded=bytes_downloaded,
        is_confirmed=is_confirmed,
        refused_digest=refused,
        camera_reasons={camera: words for camera, words in failing.items() if words in wrong},
    )


def _gap(target: TargetState | None, running: tuple[str, int]) -> str:
    bundle = target.bundle if target else None
    if bundle is None or bundle.manifest_digest == running[0]:
        return ""
    return f"The box is about to run bundle version {bundle.version}."


def _failing(target: TargetState | None, cameras: Sequence[CameraSample]) -> dict[str, str]:
    """By camera: what is wrong with it."""
    names = {camera.camera: camera.name for camera in target.cameras} if target else {}
    failed = [camera for camera in cameras if camera.state == "failed"]
    return {camera.camera: f"{names.get(camera.camera, camera.camera)}: {camera.problem}" for camera in failed}


def _asked(target: TargetState | None) -> set[str]:
    """Cameras that a query watches; by the others nothing is lost."""
    return {query.camera for query in target.queries} if target else set()
