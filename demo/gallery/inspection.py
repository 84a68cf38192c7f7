"""One page in Chromium, and what is wrong with it: errors, requests elsewhere, sideways scrolling, accessibility.

The rules of accessibility are axe-core's; of its findings those count that keep somebody out ("serious", "critical").
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from demo.processes import ROOT

OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDTHS = {390: 844, 768: 1024, 1440: 900}  # of the window: width -> height
SCHEMES = ("light", "dark")
PATIENCE_MS = 120_000  # a machine that many others work on
IMPACTS = ("serious", "critical")
EVERY_RULE: tuple[str, ...] = ()
# Of one look: what the width of the window and the colours can change in a page that was looked at already.
RULES_OF_A_LOOK = ("color-contrast", "link-in-text-block", "scrollable-region-focusable")
_AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_SCRIPT = Path(__file__).with_name("inspection.js")


class Inspection:
    """Listens to `page` from now on; `problems` are sentences. `ignored`: parts of messages that are expected here."""

    def __init__(self, page: Any, origin: str, ignored: tuple[str, ...] = ()) -> None:
        self.page, self.problems = page, list[str]()
        self._host, self._ignored = urlsplit(origin).netloc, ignored
        page.set_default_timeout(PATIENCE_MS)
        for script in (_SCRIPT, _AXE):
            page.add_init_script(path=script)
        page.on("console", lambda message: self._hear(message.type, message.text))
        page.on("pageerror", lambda error: self._tell(f"script: {error}"))
        page.on("request", lambda request: self._watch(request.url))

    def take_problems(self) -> list[str]:
        """Those since the last call, each once."""
        taken, self.problems = list(dict.fromkeys(self.problems)), []
        return taken

    def look(self, width: int, scheme: str, *, rules: Sequence[str] | None = EVERY_RULE) -> None:
        """At this width and in this colour scheme, without loading the page again. `rules` of axe-core; None: none."""
        self.show(width, scheme)
        where = f"{width} px, {scheme}"
        wide = self.page.evaluate("() => inspection.tooWide()")
        if wide:
            self._tell(f"{where}: scrolls sideways, because of {wide}")
        for finding in () if rules is None else self._findings(rules):
            self._tell(f"{where}: {finding}")

    def show(self, width: int, scheme: str) -> None:
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate("() => inspection.atRest()")

    def _findings(self, rules: Sequence[str]) -> Iterator[str]:
        for found in self.page.evaluate("rules => inspection.findings(rules)", [*rules]):
            if found["impact"] in IMPACTS:
                nodes = "; ".join(f"{node['html']} ({node['why']})" for node in found["nodes"])
                yield f"{found['impact']} {found['id']} of {len(found['nodes'])}: {nodes}"

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error":
            self._tell(f"console: {text}")

    def _watch(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self._tell(f"asks another origin: {address}")

    def _tell(self, problem: str) -> None:
        if not any(part in problem for part in self._ignored):
            self.problems.append(problem)


def launch(playwright: Any, chromium_path: str | None) -> Any:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's own loop runs beside; nothing here is concurrent
    return playwright.chromium.launch(executable_path=chromium_path, args=list(OPTIONS))
