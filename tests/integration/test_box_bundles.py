"""Bundles on their way to a box and on trial there, over real sockets: cuts, refusals, bundles that do harm."""

from functools import partial

import pytest

from edge_runtime.agent import reconciler
from edge_runtime.agent.bundle_desk import MAX_STARTS
from edge_runtime.agent.identity import load_identity
from edge_runtime.agent.reconciler import MAX_TRIES
from edge_runtime.protocol.target import BundleTarget
from tests.simulators.box import Box, is_running, last_report, publish, until
from tests.simulators.box_server import FleetServer


@pytest.fixture
def server():
    with FleetServer() as running:
        running.change(health_window_s=0.5)
        yield running


@pytest.fixture
async def box(server, tmp_path):
    started = Box(server, tmp_path)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(reconciler, "reconnect_delay_s", lambda *_, **__: 0.0)


async def good_bundle(server):
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest) and last_report(server).is_confirmed)
    return digest


async def test_a_download_that_is_cut_off_goes_on_where_it_was(server, box, impatient):
    server.blob_cut = 20  # of 32 bytes
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest))
    assert server.ranges_asked == [0, 20]
    assert last_report(server).bytes_downloaded == 12


@pytest.mark.parametrize("trouble", ["missing", "failing", "damaged"])
async def test_a_bundle_that_cannot_be_served_is_given_up_until_somebody_has_it_tried_again(
    server, box, impatient, trouble
):
    first = await good_bundle(server)
    server.blob_status = {"missing": 404, "failing": 503, "damaged": 200}[trouble]
    second, (blob,) = publish(server, 2, version=2)
    content = server.blobs[blob]
    if trouble == "damaged":
        server.blobs[blob] = b"x" * len(content)
    await until(lambda: last_report(server).refused_digest == second)
    assert f"tried {MAX_TRIES} times" in last_report(server).sentence
    assert (last_report(server).state, last_report(server).manifest_digest) == ("not at target", first)

    server.blob_status, server.blobs[blob] = 200, content
    server.change(bundle=BundleTarget(second, 2, attempt=1))
    await until(lambda: is_running(server, second))
    assert last_report(server).refused_digest == ""


async def test_a_bundle_whose_models_fail_gives_way_to_the_last_good_one(server, box, tmp_path):
    first = await good_bundle(server)
    box.serving.model_problems = {}
    box.serving.activated = lambda prepared: box.serving.model_problems.update(
        {"cars": "Model cars cannot be run."} if prepared.manifest.version == 2 else {}
    )
    second, _ = publish(server, 2, version=2)
    await until(lambda: last_report(server).refused_digest == second)
    await until(lambda: last_report(server).manifest_digest == first)
    assert "Model cars cannot be run" in last_report(server).sentence
    assert box.runs(1)

    await box.stop()
    again = Box(server, tmp_path)
    await again.start()
    await until(partial(again.runs, 1))
    third, _ = publish(server, 3, version=3)
    await until(lambda: is_running(server, third))
    await again.stop()


async def test_a_bundle_that_ends_the_program_again_and_again_is_given_up(server, tmp_path):
    box = Box(server, tmp_path)
    await box.start()
    first = await good_bundle(server)
    server.change(health_window_s=60.0)
    second, _ = publish(server, 2, version=2)
    for _ in range(MAX_STARTS):
        await until(partial(box.runs, 2))
        await box.kill()
        box = Box(server, tmp_path)
        await box.start()
    await until(lambda: last_report(server).refused_digest == second)
    await until(partial(box.runs, 1))
    assert last_report(server).manifest_digest == first
    await box.stop()


async def test_restarts_in_order_are_not_held_against_a_bundle(server, tmp_path):
    server.change(health_window_s=60.0)
    publish(server, 1, version=1)
    for _ in range(MAX_STARTS + 2):
        box = Box(server, tmp_path)
        await box.start()
        await until(partial(box.runs, 1))
        await box.stop()
    assert box.agent.bundles.refused is None


async def test_follows_the_server_to_a_new_key_and_remembers_it(server, box, tmp_path):
    await good_bundle(server)
    server.rotate_key()
    server.rotate_key()
    second, _ = publish(server, 2, version=2)
    await until(lambda: is_running(server, second))
    assert load_identity(tmp_path).server_public_key == server.public_key


async def test_a_key_that_nobody_vouches_for_is_refused(server, box):
    first = await good_bundle(server)
    server.rotate_key()
    server.key_rotations.clear()
    publish(server, 2, version=2)
    await until(lambda: "signature" in last_report(server).sentence)
    assert last_report(server).manifest_digest == first
