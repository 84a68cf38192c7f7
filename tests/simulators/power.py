"""A power cut at a chosen write to the disk, for what must be whole after any of them."""

import os

from edge_runtime.bundles import files


class PowerCut(BaseException):
    """Not an Exception: nothing may catch it and tidy up, as nothing does when the power goes."""


def cut_power_after(steps, patch):
    """The next `steps` writes to the disk work; the one after them, and every later one, ends the process."""
    remaining = [steps]

    def counted(real):
        def call(*arguments, **options):
            remaining[0] -= 1
            if remaining[0] < 0:
                raise PowerCut
            return real(*arguments, **options)

        return call

    for name in ("fsync", "replace", "chmod"):
        patch.setattr(files.os, name, counted(getattr(os, name)))
    patch.setattr(files.tempfile, "mkstemp", counted(files.tempfile.mkstemp))
    return remaining
