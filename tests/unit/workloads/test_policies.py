"""Objects follow the order of the model's classes; the list of architectures is the registry's."""

from edge_runtime.protocol.architectures import ARCHITECTURES
from edge_runtime.vision.architectures import architecture_names, task_of
from webapp.workloads.policies import checked_classes, checked_objects


def test_forms_offer_exactly_the_architectures_that_can_be_built() -> None:
    assert {name: task_of(name).value for name in architecture_names()} == ARCHITECTURES


def test_objects_come_in_the_order_of_the_classes() -> None:
    assert checked_objects(["bus", "car"], ["car", "truck", "bus"], "m") == ["car", "bus"]


def test_empty_class_names_and_spaces_are_dropped() -> None:
    assert checked_classes([" car ", "", "bus"]) == ["car", "bus"]
