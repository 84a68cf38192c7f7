"""Frames for a data set: taken over a span of time, labelled with what the source knows, sent in batches."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from edge_runtime.agent.pictures import DATASET_QUALITY, jpeg
from edge_runtime.agent.privacy import Cleared, PrivacyRefusal
from edge_runtime.agent.retrying import until_accepted
from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.protocol.target import FrameRequest

BATCH = 20
# After the span: time for a camera that was away to make up for missing frames.
GRACE_S = 15.0
# A detector that was just switched on needs a moment before the first frame with known people exists.
_PATIENCE_S = 10.0
_POLL_S = 0.05

Sample = tuple[FrameLabel, bytes]
Send = Callable[[FrameIndex, Mapping[str, bytes]], Awaitable[None]]


async def collect_frames(request: FrameRequest, *, picture: Callable[[], Cleared | None], send: Send) -> str:
    """Takes and sends the frames. Returns "" or one sentence on why fewer came; raises what `send` refuses for good.

    `picture`: the newest frame as the privacy setting allows, None while there is none; raises PrivacyRefusal.
    """
    samples: asyncio.Queue[Sample | None] = asyncio.Queue()
    sending = asyncio.create_task(_send_batches(samples, send))
    try:
        taken, problem = await _take(request, picture, samples, sending)
        samples.put_nowait(None)
        await sending
    finally:
        sending.cancel()
    if taken < request.count and not problem:
        problem = f"The camera gave {taken} of {request.count} frames within the time asked for."
    return problem


async def _take(
    request: FrameRequest,
    picture: Callable[[], Cleared | None],
    samples: asyncio.Queue[Sample | None],
    sending: asyncio.Task[None],
) -> tuple[int, str]:
    """(frames taken, refusal sentence or ""). Ends early when sending has failed."""
    started, taken, last_index, refusal = time.monotonic(), 0, None, ""
    while taken < request.count and not sending.done():
        now = time.monotonic()
        due = started + request.span_s * taken / request.count
        if now > started + request.span_s + GRACE_S:
            break
        if now < due:
            await asyncio.sleep(min(due - now, 1.0))
            continue
        try:
            cleared, refusal = picture(), ""
        except PrivacyRefusal as error:
            cleared, refusal = None, str(error)
            if not error.is_retryable or (taken == 0 and now > started + _PATIENCE_S):
                return taken, refusal
        if cleared is None or cleared.frame.index == last_index:
            await asyncio.sleep(_POLL_S)
            continue
        last_index = cleared.frame.index
        samples.put_nowait(await asyncio.to_thread(_sample, cleared))
        taken += 1
    return taken, refusal if taken < request.count else ""


def _sample(cleared: Cleared) -> Sample:
    frame = cleared.frame
    label = FrameLabel(file=f"{round(frame.at * 1000)}.jpg", at=frame.at, objects=frame.objects, tags=frame.tags)
    return label, jpeg(cleared.image, quality=DATASET_QUALITY)


async def _send_batches(samples: asyncio.Queue[Sample | None], send: Send) -> None:
    batch: list[Sample] = []
    while True:
        sample = await samples.get()
        if sample is not None:
            batch.append(sample)
        if batch and (sample is None or len(batch) == BATCH):
            await _send_one(batch, send)
            batch = []
        if sample is None:
            return


async def _send_one(batch: list[Sample], send: Send) -> None:
    """Tries until the server has the batch. Raises a refusal that trying again cannot change."""
    is_scene = all(label.objects is not None or label.tags is not None for label, _ in batch)
    index = FrameIndex(frames=tuple(label for label, _ in batch), source="scene" if is_scene else "")
    pictures = {label.file: data for label, data in batch}
    await until_accepted(lambda: send(index, pictures))
