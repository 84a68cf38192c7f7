import pytest

from edge_runtime.scheduling.batching import hopeless, takes_for
from edge_runtime.scheduling.words import Profiles, Take, Waiting

ROOM = 1000


def waiting(query: str, *captured_at: float, deadline_ms: int = 100) -> Waiting:
    return Waiting(query, "cars", captured_at, deadline_ms)


def test_a_frame_is_hopeless_when_even_a_run_at_once_ends_after_its_deadline(street: Profiles) -> None:
    # Due at 0.100 and 0.105; a run takes 10 ms.
    frames = waiting("a", 0.0, 0.005)

    assert hopeless(0.089, frames, street.by_slot["cars"]) == 0
    assert hopeless(0.093, frames, street.by_slot["cars"]) == 1
    assert hopeless(0.096, frames, street.by_slot["cars"]) == 2


def test_takes_as_many_frames_as_can_be_met_together(street: Profiles) -> None:
    assert takes_for(0.05, [waiting("a", 0.0, 0.02, 0.04)], street.by_slot["cars"], ROOM) == (Take("a", 3),)


def test_takes_fewer_frames_where_a_larger_batch_would_make_the_oldest_late(street: Profiles) -> None:
    # Batches of 1, 2 and 4 take 10, 15 and 22.5 ms; the first frame has 12 ms left, the others plenty.
    takes = takes_for(0.088, [waiting("a", 0.0), waiting("b", 0.08)], street.by_slot["cars"], ROOM)

    assert takes == (Take("a", 1),)


def test_takes_no_more_frames_than_the_room_for_activations_allows(street: Profiles) -> None:
    takes = takes_for(0.0, [waiting("a", 0.0, 0.0), waiting("b", 0.0, 0.0)], street.by_slot["cars"], 25)

    assert sum(take.frames for take in takes) == 2


def test_the_frames_due_first_are_taken_across_queries(street: Profiles) -> None:
    queues = [waiting("patient", 0.0, deadline_ms=900), waiting("hasty", 0.0, 0.001, deadline_ms=50)]

    assert takes_for(0.0, queues, street.by_slot["cars"], 25) == (Take("hasty", 2),)


def test_chooses_among_the_frames_of_very_many_queries(street: Profiles) -> None:
    """Trying every combination of batch sizes would not come to an end here: 9 to the power of 400."""
    queues = [waiting(f"query {number}", *(0.001 * frame for frame in range(8))) for number in range(400)]

    takes = takes_for(0.0, queues, street.by_slot["cars"], ROOM)

    assert sum(take.frames for take in takes) == 4


@pytest.mark.parametrize("queues", [[], [waiting("a", 0.0)]])
def test_takes_nothing_when_no_frame_can_be_met(street: Profiles, queues: list[Waiting]) -> None:
    assert takes_for(5.0, queues, street.by_slot["cars"], ROOM) == ()
