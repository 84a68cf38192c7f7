"""What was measured of a bundle's models on one machine, as a file: profiles with their spread. Pure, no I/O."""

import msgspec

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.admission import named_budget
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles


class ProfileUnreadable(GemelError):
    code = "profile_unreadable"


class Timing(msgspec.Struct, frozen=True):
    """Of several repetitions, ms. `low_ms` and `high_ms`: a tenth of them took at most, and at least, as long."""

    median_ms: float
    low_ms: float
    high_ms: float

    def __str__(self) -> str:
        return f"{self.median_ms:.1f} ({self.low_ms:.1f}-{self.high_ms:.1f})"


class MeasuredBatch(msgspec.Struct, frozen=True):
    """One run, from pictures to predictions, of `size` frames. `after_load` and `beside_copy`: see words.Batch."""

    size: int
    run: Timing
    activation_bytes: int
    after_load: Timing | None = None
    beside_copy: Timing | None = None

    def batch(self) -> Batch:
        slower = (timing.median_ms if timing else None for timing in (self.after_load, self.beside_copy))
        return Batch(self.size, self.run.median_ms, self.activation_bytes, *slower)


class MeasuredModel(msgspec.Struct, frozen=True):
    """`tensors`: bytes by key, as resident; `load`: of all of them anew; `switch`: see words.ModelProfile."""

    slot: str
    architecture: str
    tensors: dict[str, int]
    load: Timing
    batches: tuple[MeasuredBatch, ...]
    switch: Timing | None = None

    def lines(self) -> list[str]:
        weights = format_size(sum(self.tensors.values()))
        return [
            f"{self.slot[:28]:<28} {weights:>10} {self.load!s:>22} {one.size:>5} {one.run!s:>22} "
            f"{format_size(one.activation_bytes):>12}"
            for one in self.batches
        ]

    def profile(self) -> ModelProfile:
        return ModelProfile(self.slot, self.tensors, tuple(one.batch() for one in self.batches), _ms(self.switch))


class MeasuredBundle(msgspec.Struct, frozen=True):
    """`bundle`: digest of the manifest; `hardware`: what else has to be the same for the figures to hold.

    `visit` and `short_visit`: see words.Budget.
    """

    bundle: str
    hardware: str
    measured_at: str
    repetitions: int
    overhead_bytes: int
    load_bytes_per_s: float
    models: tuple[MeasuredModel, ...]
    visit: Timing | None = None
    short_visit: Timing | None = None

    def lines(self) -> list[str]:
        """For a person: one line per model and batch, medians with a tenth and nine tenths."""
        head = f"{'model':<28} {'weights':>10} {'load ms':>22} {'batch':>5} {'run ms':>22} {'activations':>12}"
        return [head, *(line for model in self.models for line in model.lines())]

    def profiles(self) -> Profiles:
        return Profiles(tuple(model.profile() for model in self.models))

    def budget(self, limit_bytes: int, bytes_per_s: float | None = None) -> Budget:
        rate = bytes_per_s or self.load_bytes_per_s
        return Budget(limit_bytes, self.overhead_bytes, rate, _ms(self.visit), _ms(self.short_visit))

    def budget_for(self, setting: str, bytes_per_s: float | None = None) -> Budget:
        """Of a setting as admission.named_budget reads it. Raises SettingUnknown."""
        limit_bytes = named_budget(setting, self.profiles().models, self.overhead_bytes)
        return self.budget(limit_bytes, bytes_per_s)


def _ms(timing: Timing | None) -> float:
    """0 where it was not measured."""
    return timing.median_ms if timing else 0.0


def encode_measured(measured: MeasuredBundle) -> bytes:
    return msgspec.json.format(msgspec.json.encode(measured), indent=1)


def decode_measured(content: bytes) -> MeasuredBundle:
    """Raises ProfileUnreadable."""
    try:
        measured = msgspec.json.decode(content, type=MeasuredBundle)
    except msgspec.DecodeError as error:
        raise ProfileUnreadable(
            f"The profile cannot be read: {error}. Measure again with: gemel-edge profile"
        ) from error
    if not measured.models or not all(model.batches for model in measured.models):
        raise ProfileUnreadable("The profile names no model that was measured. Measure again with: gemel-edge profile")
    return measured
