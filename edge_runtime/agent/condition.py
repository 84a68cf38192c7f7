"""How the box is, in one word and one sentence: pure."""

from collections.abc import Mapping, Sequence

from edge_runtime.protocol.messages import CameraSample, Report
from edge_runtime.protocol.target import TargetState


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

    Not being at the target outweighs a part that fails: the first such sentence is shown.
    """
    state, sentence = _state(target, failures, progress or _gap(target, running), model_problems, cameras)
    if state == "running" and warnings:
        state, sentence = "degraded", warnings[0]
    return Report(
        state=state,
        sentence=sentence,
        manifest_digest=running[0],
        bundle_version=running[1],
        bytes_downloaded=bytes_downloaded,
        is_confirmed=is_confirmed,
        refused_digest=refused,
    )


def _gap(target: TargetState | None, running: tuple[str, int]) -> str:
    bundle = target.bundle if target else None
    if bundle is None or bundle.manifest_digest == running[0]:
        return ""
    return f"The box is about to run bundle version {bundle.version}."


def _state(
    target: TargetState | None,
    failures: Sequence[str],
    progress: str,
    model_problems: Mapping[str, str],
    cameras: Sequence[CameraSample],
) -> tuple[str, str]:
    if failures:
        return "not at target", failures[0]
    if progress:
        return "not at target", progress
    if target is None:
        return "not at target", "The box has not received its target from the server yet."
    for problem in model_problems.values():
        return "degraded", problem
    names = {camera.camera: camera.name for camera in target.cameras}
    failed = [camera for camera in cameras if camera.state == "failed"]
    if failed:
        more = f" {len(failed) - 1} more cameras fail too." if len(failed) > 1 else ""
        return "degraded", f"{names.get(failed[0].camera, failed[0].camera)}: {failed[0].problem}{more}"
    return "running", ""
