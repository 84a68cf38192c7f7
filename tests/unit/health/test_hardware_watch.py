"""When figures of the hardware become a sentence, and when it ends."""

import pytest

from edge_runtime.health.hardware_watch import HardwareWatch
from edge_runtime.protocol.messages import AcceleratorSample, HostSample

GIB = 2**30


def host(*, disk_free=50 * GIB, available=8 * GIB, heat=50.0, gpu_heat=None):
    gpus = (AcceleratorSample("GPU", temperature_c=gpu_heat),) if gpu_heat is not None else ()
    return HostSample(0.0, 10.0, 16 * GIB, available, 100 * GIB, disk_free, heat, gpus)


@pytest.fixture
def watch():
    return HardwareWatch()


def test_a_healthy_machine_gives_no_sentence(watch):
    watch.note(host())
    assert watch.warnings == ()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"disk_free": GIB - 1}, "disk is nearly full"),
        ({"heat": 85.5}, "too hot"),
        ({"gpu_heat": 90.0}, "too hot"),
        ({"available": 16 * GIB * 4 // 100}, "memory is nearly used up"),
    ],
)
def test_what_goes_wrong_is_one_sentence_with_what_to_do(watch, figures, words):
    watch.note(host(**figures))
    (sentence,) = watch.warnings
    assert words in sentence
    assert sentence.count(". ") == 1  # what it is, what to do
    watch.note(host())
    assert watch.warnings == ()


def test_a_figure_at_the_limit_does_not_send_a_message_every_second(watch):
    told = set()
    for heat in (84.0, 86.0, 84.0, 86.0, 81.0, 86.0):
        watch.note(host(heat=heat))
        told.add(watch.warnings)
    assert len(told) == 2  # nothing, then one sentence that stays
    watch.note(host(heat=79.0))
    assert watch.warnings == ()


def test_what_is_unknown_says_nothing(watch):
    watch.note(HostSample(at=0.0))
    assert watch.warnings == ()
