"""Frames for a data set: as many as asked, each once, labelled, in batches, within the privacy setting."""

import pytest

from edge_runtime.agent import retrying, sampling
from edge_runtime.agent.privacy import Cleared, NobodyFindsPeople, PrivacyRefusal
from edge_runtime.agent.sampling import collect_frames
from edge_runtime.agent.server import ServerRefused, ServerUnavailable
from edge_runtime.protocol.target import FrameRequest


class Sent:
    """The server's side: keeps batches, fails as told."""

    def __init__(self, *failures):
        self.batches, self._failures = [], list(failures)

    async def __call__(self, index, pictures):
        if self._failures:
            raise self._failures.pop(0)
        self.batches.append((index, dict(pictures)))

    @property
    def labels(self):
        return [label for index, _ in self.batches for label in index.frames]


def request(count, span_s=0.0):
    return FrameRequest("r1", "gate", count, span_s)


@pytest.fixture
def camera(frame):
    """A camera that shows each frame twice, as one slower than the sampling does."""
    looks = iter(range(1000))

    def look():
        picture = frame(next(looks) // 2, tags=("day",), objects=())
        return Cleared(picture, picture.image)

    return look


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(sampling, "GRACE_S", 0.05)
    monkeypatch.setattr(sampling, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(sampling, "_POLL_S", 0.0)
    monkeypatch.setattr(retrying, "reconnect_delay_s", lambda attempt, jitter: 0.0)


async def test_sends_every_frame_once_in_batches_of_twenty(camera, monkeypatch):
    monkeypatch.setattr(sampling, "GRACE_S", 30.0)
    sent = Sent()
    assert await collect_frames(request(45), picture=camera, send=sent) == ""
    assert [len(index.frames) for index, _ in sent.batches] == [20, 20, 5]
    assert len({label.file for label in sent.labels}) == 45
    assert all(set(pictures) == {label.file for label in index.frames} for index, pictures in sent.batches)
    assert all(data.startswith(b"\xff\xd8") for _, pictures in sent.batches for data in pictures.values())


async def test_ground_truth_travels_with_the_frames(camera):
    sent = Sent()
    await collect_frames(request(2), picture=camera, send=sent)
    assert sent.batches[0][0].source == "scene"
    assert sent.labels[0].tags == ("day",)


async def test_frames_of_a_real_camera_come_without_labels(frame):
    picture, sent = frame(1), Sent()
    await collect_frames(request(1), picture=lambda: Cleared(picture, picture.image), send=sent)
    assert sent.batches[0][0].source == ""
    assert (sent.labels[0].objects, sent.labels[0].tags) == (None, None)


async def test_a_camera_that_gives_too_few_frames_is_said_so_and_they_are_kept(frame):
    picture, sent = frame(1), Sent()
    problem = await collect_frames(request(3), picture=lambda: Cleared(picture, picture.image), send=sent)
    assert "1 of 3 frames" in problem
    assert len(sent.labels) == 1


@pytest.mark.parametrize("refusal", [PrivacyRefusal("Kept here."), NobodyFindsPeople("Kept here.")])
async def test_a_privacy_refusal_becomes_the_answer(refusal):
    def refuse():
        raise refusal

    sent = Sent()
    assert await collect_frames(request(3), picture=refuse, send=sent) == "Kept here."
    assert sent.batches == []


async def test_a_server_that_is_away_gets_the_batch_later(camera):
    sent = Sent(ServerUnavailable("away"), ServerUnavailable("away"))
    assert await collect_frames(request(3), picture=camera, send=sent) == ""
    assert len(sent.labels) == 3


async def test_a_server_that_says_no_ends_the_sampling(camera):
    with pytest.raises(ServerRefused, match="no such request"):
        await collect_frames(
            request(3000, span_s=30.0), picture=camera, send=Sent(ServerRefused("x", "no such request"))
        )
