"""Between sockets and database: together, in order, bounded, and again until the database has it."""

import asyncio

import pytest
from django.db import OperationalError

from edge_runtime.protocol.messages import MemorySample, Stats
from webapp.telemetry import ingest as module
from webapp.telemetry.ingest import Outcome, StatsIngest
from webapp.telemetry.policies import StatsUnusable
from webapp.telemetry.services import Arrived, Recorded

BOX = "box"  # nothing looks at it here


def arrived(seq, boot_id="boot"):
    memory = MemorySample(budget=1, private=0, shared=0, activations=0, overhead=0, free=1, rss=0)
    return Arrived(BOX, Stats(boot_id, seq, 0.0, 1.0, 1, memory, ()))


class Database:
    """Keeps what it is given, once; `trouble`s are raised first, one after the other. Its thread is the loop's."""

    def __init__(self, *troubles):
        self.troubles, self.batches, self.held = list(troubles), [], set()

    async def run(self, function, **arguments):
        return function(**arguments)

    def record(self, *, arrived, now):
        if self.troubles:
            raise self.troubles.pop(0)
        keys = [one.key for one in arrived]
        self.batches.append([seq for _, _, seq in keys])
        new = frozenset(keys) - self.held
        self.held |= new
        unusable = {key: StatsUnusable("No.") for key in keys if key[2] == 13}
        return Recorded(new - unusable.keys(), unusable)


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch):
    for name in ("GATHER_S", "RETRY_S"):
        monkeypatch.setattr(module, name, 0.0)


async def told(ingest, *seqs, size_bytes=1):
    """The outcomes by number, once all are there."""
    outcomes, everything = {}, asyncio.Event()

    def tell(seq, outcome):
        outcomes.setdefault(seq, []).append(outcome)
        if sum(map(len, outcomes.values())) == len(seqs):
            everything.set()

    for seq in seqs:
        await ingest.put(arrived(seq), size_bytes, lambda outcome, seq=seq: tell(seq, outcome))
    await everything.wait()
    return outcomes


async def test_what_arrives_together_is_stored_together_and_in_order():
    database = Database()
    outcomes = await told(StatsIngest(database, database.record), 1, 2, 3)
    assert database.batches == [[1, 2, 3]]
    assert outcomes == {seq: [Outcome()] for seq in (1, 2, 3)}


async def test_batches_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "BATCH_MAX", 2)
    database = Database()
    await told(StatsIngest(database, database.record), 1, 2, 3, 4, 5)
    assert database.batches == [[1, 2], [3, 4], [5]]


async def test_while_the_database_is_away_nothing_is_told_and_then_everything_once():
    database = Database(OperationalError("away"), OperationalError("away"))
    outcomes = await told(StatsIngest(database, database.record), 1, 2)
    assert (database.batches, database.troubles) == ([[1, 2]], [])
    assert outcomes == {1: [Outcome()], 2: [Outcome()]}


async def test_a_fault_of_our_own_is_told_and_the_next_batch_goes_on(monkeypatch, caplog):
    monkeypatch.setattr(module, "BATCH_MAX", 1)
    fault = RuntimeError("a fault")
    database = Database(fault)
    outcomes = await told(StatsIngest(database, database.record), 1, 2)
    assert outcomes == {1: [Outcome(error=fault)], 2: [Outcome()]}


async def test_unusable_ones_and_known_ones_are_told_apart():
    database = Database()
    database.held = {arrived(1).key}
    outcomes = await told(StatsIngest(database, database.record), 1, 13)
    assert outcomes[1] == [Outcome()]
    assert str(outcomes[13][0].problem) == "No."


async def test_who_sends_more_than_may_wait_is_held_up_until_there_is_room(monkeypatch):
    monkeypatch.setattr(module, "WAITING_BYTES_MAX", 10)
    opened = asyncio.Event()
    monkeypatch.setattr(module.asyncio, "sleep", lambda seconds: opened.wait())  # a slow database
    database, waiting = Database(), []
    ingest = StatsIngest(database, database.record)
    for seq in range(1, 4):
        waiting.append(asyncio.create_task(ingest.put(arrived(seq), 8, lambda outcome: None)))
        await asyncio.wait(waiting, timeout=0.01)
    assert [task.done() for task in waiting] == [True, True, False]
    opened.set()
    await asyncio.gather(*waiting)
