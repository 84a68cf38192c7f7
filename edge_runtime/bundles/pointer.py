"""Which of the bundles on disk runs, which is known to be good, and which is on trial: pure, one small file on disk.

A bundle is on trial from its first start until it has proved good. Starts are counted before they happen, so that a
bundle that takes the whole process down is found out, too.
"""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """A bundle that this box has given up. `attempt`: of the target (protocol.target.BundleTarget) that failed."""

    digest: str
    attempt: int
    sentence: str


class Pointer(msgspec.Struct, frozen=True):
    """Digests; "" for none. `current`: what runs; `good`: the newest that proved good; `previous`: the good one before.

    `trial`: what was started `starts` times and is not good yet. `highest_version` ever ran here.
    """

    current: str = ""
    previous: str = ""
    good: str = ""
    trial: str = ""
    starts: int = 0
    highest_version: int = 0
    refused: Refusal | None = None

    def __post_init__(self) -> None:
        if self.current and not self.good and not self.trial:  # written before there were trials
            msgspec.structs.force_setattr(self, "good", self.current)

    @property
    def kept(self) -> tuple[str, ...]:
        return tuple(digest for digest in (self.current, self.good, self.previous, self.trial) if digest)

    def started(self, digest: str) -> "Pointer":
        starts = self.starts + 1 if digest == self.trial else 1
        return msgspec.structs.replace(self, trial=digest, starts=starts)

    def activated(self, digest: str, version: int) -> "Pointer":
        highest = max(self.highest_version, version)
        return msgspec.structs.replace(self, current=digest, highest_version=highest, refused=None)

    def confirmed(self) -> "Pointer":
        if self.good == self.current:
            return msgspec.structs.replace(self, trial="", starts=0)
        return msgspec.structs.replace(self, previous=self.good, good=self.current, trial="", starts=0)

    def refusing(self, refusal: Refusal) -> "Pointer":
        current = self.good or self.current if self.current == refusal.digest else self.current
        is_on_trial = self.trial == refusal.digest
        trial, starts = ("", 0) if is_on_trial else (self.trial, self.starts)
        return msgspec.structs.replace(self, current=current, trial=trial, starts=starts, refused=refusal)

    def forgiven(self) -> "Pointer":
        return msgspec.structs.replace(self, starts=max(0, self.starts - 1))
