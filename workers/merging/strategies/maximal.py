"""maximal: share every identical layer, whatever it does to accuracy. The upper bound ("optimum") of saving."""

from typing import ClassVar

from workers.merging.configuration import MergeConfiguration
from workers.merging.history import History


class Maximal:
    name: ClassVar[str] = "maximal"
    restores_after_rejection: ClassVar[bool] = False
    has_accuracy_targets: ClassVar[bool] = False

    def next_configuration(self, history: History) -> MergeConfiguration | None:
        return None if history.attempts or not history.maximal.groups else history.maximal
