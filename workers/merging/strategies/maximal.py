"""maximal: share every identical layer, whatever it does to accuracy. The upper bound ("optimum") of saving."""

from typing import ClassVar

from workers.merging.history import History, Proposal


class Maximal:
    name: ClassVar[str] = "maximal"
    has_accuracy_targets: ClassVar[bool] = False
    keeps_partial_success: ClassVar[bool] = False
    accepts_on_the_way: ClassVar[bool] = False
    reads_conflict: ClassVar[bool] = False

    def next_proposal(self, history: History) -> Proposal | None:
        return None if history.attempts or not history.maximal.groups else Proposal(history.maximal)
