"""Turns what trials do into events, and watches the clock: the observer of a merge run."""

from collections.abc import Callable, Mapping, Sequence

from workers.merging.configuration import MergeConfiguration
from workers.merging.events import Event, EventType, Listener, QueryFigures
from workers.merging.forecast import seconds_left
from workers.merging.ledger import Ledger
from workers.merging.memory import model_entries
from workers.merging.run_state import ProgressState
from workers.merging.sharing import SharedNetworks
from workers.merging.training import JointTraining
from workers.merging.trial import AcceptedGroup, Trial

PROGRESS_EVERY_S = 0.5
CHECKPOINT_EVERY_S = 60.0
CHECKPOINT_SHARE = 0.1  # of the time may go into checkpoints; where they are large, they come less often
STEPS_BEFORE_FORECAST = 5


class Progress:
    """`clock`: monotonic seconds. `keep` puts an accepted group on disk before anybody hears of it.

    `checkpoint` writes the run's state down. It is due when something was accepted, every `checkpoint_every_s` (0:
    after every step), and at a stop.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        clock: Callable[[], float],
        time_limit_s: float | None,
        is_cancelled: Callable[[], bool],
        sample_limit: int | None = None,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    ) -> None:
        self._listeners, self._clock = list(listeners), clock
        self._time_limit_s, self._sample_limit = time_limit_s, sample_limit
        self._checkpoint_every_s = checkpoint_every_s
        self.is_cancelled = is_cancelled
        self._made_at = self._started_at = clock()
        self._last_progress_at = float("-inf")
        self._ledger: Ledger | None = None
        self._shared: SharedNetworks | None = None
        self._training: JointTraining | None = None
        self._training_since = 0.0
        self._samples_before = 0
        self._figures: dict[str, QueryFigures] = {}
        self._keep: Callable[[AcceptedGroup], None] = lambda group: None
        self._checkpoint: Callable[[Trial, JointTraining], None] = lambda trial, training: None
        self._checkpoint_due_at = self._started_at + checkpoint_every_s
        self.trying = ""

    def attach(
        self,
        ledger: Ledger,
        shared: SharedNetworks,
        keep: Callable[[AcceptedGroup], None],
        checkpoint: Callable[[Trial, JointTraining], None],
    ) -> None:
        self._ledger, self._shared, self._keep, self._checkpoint = ledger, shared, keep, checkpoint

    def write_to(self, log: Listener) -> None:
        """From now on `log` hears everything before the others: what they have heard of is written down."""
        self._listeners.insert(0, log)

    @property
    def seconds(self) -> float:
        return self._clock() - self._started_at

    @property
    def samples_seen(self) -> int:
        return self._samples_before + (self._training.samples_seen if self._training is not None else 0)

    def should_stop(self) -> bool:
        return (
            self.is_cancelled()
            or (self._time_limit_s is not None and self.seconds >= self._time_limit_s)
            or (self._sample_limit is not None and self.samples_seen >= self._sample_limit)
        )

    @property
    def is_checkpoint_due(self) -> bool:
        return self._clock() >= self._checkpoint_due_at

    def checkpointed(self, took_s: float) -> None:
        every_s = self._checkpoint_every_s
        self._checkpoint_due_at = self._clock() + (max(every_s, took_s / CHECKPOINT_SHARE) if every_s else 0.0)

    def between_steps(self, trial: Trial, training: JointTraining) -> None:
        if self.is_checkpoint_due or self.should_stop():
            self._checkpoint(trial, training)

    def state(self) -> ProgressState:
        spent_s = self._clock() - self._training_since if self._training is not None else 0.0
        return ProgressState(self.seconds, self.samples_seen, spent_s, self.trying, dict(self._figures))

    def count_from(self, seconds: float) -> None:
        """This object was made `seconds` after the run began."""
        self._started_at = self._made_at - seconds

    def restore(self, state: ProgressState) -> None:
        """Goes on from `state`, but for the clock."""
        self._samples_before, self._training = state.samples_seen, None
        self._training_since = self._clock() - state.training_seconds
        self.trying, self._figures = state.trying, dict(state.figures)

    def resumed(self, training: JointTraining) -> None:
        if training.step_number:
            self._samples_before -= training.samples_seen
            self._training = training

    def steps_affordable(self, training: JointTraining) -> int:
        self._follow(training)
        affordable = training.planned
        if self._sample_limit is not None:
            left = max(0, self._sample_limit - self.samples_seen)
            affordable = min(affordable, training.step_number + left * training.step_number // training.samples_seen)
        if self._time_limit_s is not None and training.step_number >= STEPS_BEFORE_FORECAST:
            left_s = max(0.0, self._time_limit_s - self.seconds)
            affordable = min(affordable, training.step_number + int(left_s / self._seconds_per_step(training)))
        return affordable

    def _seconds_per_step(self, training: JointTraining) -> float:
        """Evaluations included. The clock starts after the first step, hence the one less."""
        return max(1e-6, self._clock() - self._training_since) / max(1, training.step_number - 1)

    def progressed(self, training: JointTraining) -> None:
        if self._clock() - self._last_progress_at >= PROGRESS_EVERY_S:
            self._last_progress_at = self._clock()
            self.tell(EventType.PROGRESS)

    def _follow(self, training: JointTraining) -> None:
        if training is not self._training:
            self._samples_before = self.samples_seen
            self._training, self._training_since = training, self._clock()

    def evaluated(self, configuration: MergeConfiguration, figures: Mapping[str, QueryFigures]) -> None:
        assert self._ledger is not None
        assert self._shared is not None
        self._figures.update(figures)
        networks = self._shared.networks
        trial = {name: model_entries(networks[name].state_dict()) for name in configuration.queries}
        self.tell(EventType.EVALUATED, bytes_after=self._ledger.bytes_with(trial))

    def accepted(self, group: AcceptedGroup) -> None:
        self._keep(group)
        self._checkpoint_due_at = self._clock()
        self.tell(EventType.ACCEPTED)

    def tell(self, kind: EventType, trying: str | None = None, bytes_after: int | None = None) -> None:
        self.trying = self.trying if trying is None else trying
        before = self._ledger.bytes_before if self._ledger is not None else 0
        after = bytes_after if bytes_after is not None else (self._ledger.bytes_after if self._ledger else 0)
        training = self._training
        left = None
        if training is not None and training.step_number >= STEPS_BEFORE_FORECAST and kind is EventType.PROGRESS:
            left = seconds_left(
                seconds_per_step=self._seconds_per_step(training),
                step=training.step_number,
                planned=training.planned,
                evaluate_every=training.settings.evaluate_every,
            )
        event = Event(
            type=kind,
            seconds=round(self.seconds, 3),
            samples_seen=self.samples_seen,
            bytes_before=before,
            bytes_after=after,
            saved_bytes=before - after,
            step=training.step_number if training is not None else 0,
            steps_planned=training.planned if training is not None else 0,
            seconds_left_low=left[0] if left else None,
            seconds_left_high=left[1] if left else None,
            trying=self.trying,
            queries=tuple(self._figures[name] for name in sorted(self._figures)),
        )
        for listener in self._listeners:
            listener(event)
