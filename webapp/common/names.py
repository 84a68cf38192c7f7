"""Names that people give to things: checked the same way everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from webapp.common.errors import InvalidInput

NAME_MAX = 100


def checked_name(name: str) -> str:
    """`name` without surrounding spaces. Raises InvalidInput when it is empty, too long or holds control characters."""
    name = name.strip()
    if not name:
        raise InvalidInput(gettext("A name is needed."), field="name")
    if len(name) > NAME_MAX or not name.isprintable():
        raise InvalidInput(
            gettext("A name has at most %(name_max)s characters and no line breaks.") % {"name_max": NAME_MAX},
            field="name",
        )
    return name


@contextmanager
def unique_name(taken: str) -> Iterator[None]:
    """Around a save: turns the database's refusal of a name that exists already into the sentence `taken`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise InvalidInput(taken, field="name") from error
