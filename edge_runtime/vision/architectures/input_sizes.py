"""Which input sizes a network can take, and the sentence for a person who asks for another."""

from dataclasses import dataclass

from edge_runtime.protocol.errors import GemelError


@dataclass(frozen=True)
class InputSizes:
    """Sides in pixels: at least `minimum`, each a multiple of `multiple`, and equal where `is_square`."""

    minimum: int = 1
    multiple: int = 1
    is_square: bool = False

    def nearest(self, size: tuple[int, int]) -> tuple[int, int]:
        """The allowed (height, width) that is closest to `size`; `size` itself where it is allowed."""
        height, width = (max(size),) * 2 if self.is_square else size
        return self._nearest_side(height), self._nearest_side(width)

    def _nearest_side(self, side: int) -> int:
        smallest = -(-self.minimum // self.multiple)
        return max(smallest, (side + self.multiple // 2) // self.multiple) * self.multiple

    def __str__(self) -> str:
        rules = [
            *([f"of at least {self.minimum} pixels"] if self.minimum > self.multiple else []),
            *([f"that are multiples of {self.multiple}"] if self.multiple > 1 else []),
            *(["that are equal"] if self.is_square else []),
        ]
        return " and ".join(rules)


class InputSizeUnsupported(GemelError):
    code = "input_size_unsupported"

    def __init__(self, name: str, size: tuple[int, int], allowed: InputSizes) -> None:
        nearest = allowed.nearest(size)
        super().__init__(
            f"{name} needs pictures with a height and width {allowed}, not {size[0]}x{size[1]}; nothing was built: "
            f"choose {nearest[0]}x{nearest[1]}."
        )
        self.nearest = nearest
