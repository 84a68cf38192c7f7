"""Where this machine's Chromium is: for the browser tests and the pictures of the product."""

import os
import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_found() -> str | None:
    """CHROMIUM_PATH where it is set, else the first that is on PATH."""
    return os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, _NAMES)), None)
