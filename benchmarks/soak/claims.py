"""What must hold after a soak, judged from what was sampled: pure.

Rounds are alike, so a round is compared with rounds. The first ones do not count: the box warms up. Of threads and file
descriptors the lowest count of a round is taken: a camera that hangs holds its thread for a while, a leak for ever.
"""

import statistics
from collections.abc import Mapping, Sequence

import msgspec

from edge_runtime.protocol.messages import Stats

WARM_UP_SHARE = 0.1
# Of the auditor's looks at his clock: a busy machine takes the processor away between a result and his look at it.
SEEN_LATE_SHARE = 0.01


class Sample(msgspec.Struct, frozen=True):
    """Of the box's process, `at` seconds after its start."""

    at: float
    round: int
    rss_bytes: int
    threads: int
    descriptors: int


class Claim(msgspec.Struct, frozen=True):
    name: str
    held: bool
    measured: str

    def line(self) -> str:
        return f"{'held  ' if self.held else 'MISSED'} {self.name}: {self.measured}"


class Round(msgspec.Struct, frozen=True):
    """Medians and lows of one round's samples."""

    rss_bytes: int
    threads_least: int
    descriptors_least: int


def rounds(samples: Sequence[Sample]) -> tuple[Round, ...]:
    """Of every round after the warm-up."""
    numbers = sorted({sample.round for sample in samples})
    skipped = max(1, round(WARM_UP_SHARE * len(numbers)))
    return tuple(_round([sample for sample in samples if sample.round == number]) for number in numbers[skipped:])


def _round(samples: Sequence[Sample]) -> Round:
    return Round(
        round(statistics.median(sample.rss_bytes for sample in samples)),
        min(sample.threads for sample in samples),
        min(sample.descriptors for sample in samples),
    )


def leak_claims(counted: Sequence[Round], rss_tolerance: float, thread_tolerance: int = 0) -> tuple[Claim, ...]:
    """Against the first round that counts. Fewer than two rounds show nothing and hold nothing.

    `thread_tolerance`: for a run so short that the event loop's pool of threads, which never shrinks, still fills.
    """
    if len(counted) < 2:
        return (Claim("enough rounds to compare", False, f"{len(counted)} rounds after the warm-up"),)
    first = counted[0]
    sizes = [round.rss_bytes / first.rss_bytes - 1 for round in counted]
    threads = [round.threads_least for round in counted]
    descriptors = [round.descriptors_least for round in counted]
    return (
        Claim(
            f"resident memory flat within {rss_tolerance:.0%}",
            max(map(abs, sizes)) <= rss_tolerance,
            f"{min(sizes):+.1%} to {max(sizes):+.1%} of {first.rss_bytes / 2**20:.0f} MiB, last {sizes[-1]:+.1%}",
        ),
        _no_growth("threads", threads, thread_tolerance),
        _no_growth("file descriptors", descriptors, 0),
    )


def _no_growth(what: str, lows: Sequence[int], tolerance: int) -> Claim:
    """The lows of the last quarter against those of the first."""
    part = max(1, len(lows) // 4)
    before, after = min(lows[:part]), min(lows[-part:])
    more = f"{before} in the first rounds, {after} in the last"
    return Claim(f"no more {what} at the end", after <= before + tolerance, more)


def frame_claims(
    stats: Sequence[Stats], audit: Mapping[str, tuple[int, float, int]], deadline_ms: int
) -> tuple[Claim, ...]:
    """`audit`: by query the answers, the longest latency as the box measured it, and how many the auditor saw late."""
    samples = [query for message in stats for query in message.queries]
    processed = sum(query.processed for query in samples)
    answers = sum(count for count, _, _ in audit.values())
    longest = max((box for _, box, _ in audit.values()), default=0.0)
    seen_late = sum(late for _, _, late in audit.values())
    lost = sum(query.dropped + query.late for query in samples)
    unbalanced = sum(query.captured != query.processed + query.dropped + query.late for query in samples)
    return (
        Claim(
            "no frame later than its deadline counted as processed",
            longest <= deadline_ms and seen_late <= SEEN_LATE_SHARE * answers and 0 < processed <= answers,
            f"the longest of {answers} answers took {longest:.0f} ms of {deadline_ms} ms, {seen_late} were late by "
            f"another clock; {processed} counted",
        ),
        Claim(
            "every captured frame is processed, late or dropped",
            unbalanced == 0,
            f"{processed} processed, {lost} lost, {unbalanced} samples that do not add up",
        ),
    )


def statistics_claim(stats: Sequence[Stats]) -> Claim:
    """Over every absence of the server."""
    numbers = sorted({message.seq for message in stats})
    gaps = numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0
    boots = len({message.boot_id for message in stats})
    return Claim(
        "no statistics lost, no restart",
        bool(numbers) and gaps == 0 and boots == 1,
        f"{len(numbers)} messages, {gaps} missing, {boots} boots",
    )
