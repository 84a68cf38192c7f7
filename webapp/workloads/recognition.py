"""What an upload's tensors told of it, and what a person still has to say. Pure: no database."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.utils.translation import gettext, ngettext

from webapp.common.errors import InvalidInput


class Candidate(msgspec.Struct, frozen=True):
    """An architecture that the tensors fit, with its number of classes.

    Sizes are (height, width): `input_size` where the tensors tell it, `usual_size` what the network is published for,
    `size_rule` which sides it takes in words, "" for any.
    """

    architecture: str
    task: str
    classes: int
    input_size: tuple[int, int] | None = None
    usual_size: tuple[int, int] | None = None
    size_rule: str = ""


class Recognition(msgspec.Struct, frozen=True):
    """Several candidates only where networks have the same tensors and differ in what they do."""

    tensors: int = 0
    size_bytes: int = 0
    candidates: tuple[Candidate, ...] = ()

    @property
    def architectures(self) -> list[str]:
        return [candidate.architecture for candidate in self.candidates]

    def candidate(self, architecture: str) -> Candidate | None:
        """The one of this name; the only one where no name is given."""
        if not architecture:
            return self.candidates[0] if len(self.candidates) == 1 else None
        return next((found for found in self.candidates if found.architecture == architecture), None)


def read_recognition(stored: Mapping[str, Any]) -> Recognition:
    return msgspec.convert(stored, Recognition)


def contradiction(
    recognition: Recognition, architecture: str, classes: Sequence[str], input_size: tuple[int, int] | None
) -> InvalidInput | None:
    """Where the tensors say otherwise than a person; what is empty was not said."""
    found = recognition.candidate(architecture)
    if found is None and architecture:
        fitting = " or ".join(recognition.architectures)
        return InvalidInput(
            gettext("The tensors are those of %(fitting)s, not of %(architecture)s.")
            % {"fitting": fitting, "architecture": architecture},
            field="architecture",
        )
    if found is None:
        return None
    if classes and len(classes) != found.classes:
        return InvalidInput(
            ngettext(
                "These weights of %(architecture)s were trained for %(classes)s classes, but %(named)s is named: name "
                "all %(classes)s, in the order of the network's outputs.",
                "These weights of %(architecture)s were trained for %(classes)s classes, but %(named)s are named: name "
                "all %(classes)s, in the order of the network's outputs.",
                len(classes),
            )
            % {"architecture": found.architecture, "classes": found.classes, "named": len(classes)},
            field="classes",
        )
    if input_size and found.input_size and input_size != found.input_size:
        height, width = found.input_size
        return InvalidInput(
            gettext("These weights of %(architecture)s take pictures of %(height)sx%(width)s pixels only.")
            % {"architecture": found.architecture, "height": height, "width": width},
            field="input_size",
        )
    return None
