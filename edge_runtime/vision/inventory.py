"""The layers of a network that could be shared. Which ones match is decided elsewhere (workers.merging).

Only convolutions and linear layers: normalisation stays private to each network, being small and holding the
statistics of its own pictures.
"""

from dataclasses import dataclass

from torch import nn

_CONVOLUTIONS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_GEOMETRY = ("stride", "padding", "output_padding", "dilation", "padding_mode")


@dataclass(frozen=True)
class Layer:
    """`name`: the module's; `parameters`: state-dict names, weight first, then bias where there is one.

    `signature`: equal for two layers exactly when they do the same with the same weights. `shape`: equal already when
    the same weights fit both, though they may step, pad or spread them differently. `position`: 0, 1, ... in order of
    definition, which is order of use in all our architectures but where branches leave it open.
    """

    name: str
    kind: str
    signature: str
    shape: str
    parameters: tuple[str, ...]
    size_bytes: int
    position: int


def layer_inventory(module: nn.Module) -> tuple[Layer, ...]:
    """Every convolution and linear layer of `module`, in order. Works on `meta` too.

    Layers that hold one weight object are one layer, under the first name: a network's memory holds it once.
    """
    found: dict[int, tuple[str, nn.Module, str]] = {}
    for name, part in module.named_modules():
        kind = _kind(part)
        if kind and hasattr(part, "weight"):
            found.setdefault(id(part.weight), (name, part, kind))
    return tuple(_layer(name, part, kind, position) for position, (name, part, kind) in enumerate(found.values()))


def _kind(part: nn.Module) -> str | None:
    return next((base.__name__ for base in (*_CONVOLUTIONS, nn.Linear) if isinstance(part, base)), None)


def _layer(name: str, part: nn.Module, kind: str, position: int) -> Layer:
    own = dict(part.named_parameters(recurse=False))
    present = [parameter for parameter in ("weight", "bias") if parameter in own]
    prefix = f"{name}." if name else ""
    return Layer(
        name=name,
        kind=kind,
        signature=" ".join([_shape(part, kind, own), *_fields(part, _GEOMETRY)]),
        shape=_shape(part, kind, own),
        parameters=tuple(prefix + parameter for parameter in present),
        size_bytes=sum(own[parameter].numel() * own[parameter].element_size() for parameter in present),
        position=position,
    )


def _shape(part: nn.Module, kind: str, own: dict[str, nn.Parameter]) -> str:
    shapes = (f"weight={tuple(own['weight'].shape)}", f"bias={'bias' in own}")
    return " ".join([kind, *shapes, *_fields(part, ("groups",))])


def _fields(part: nn.Module, names: tuple[str, ...]) -> list[str]:
    return [f"{name}={getattr(part, name)}" for name in names if hasattr(part, name)]
