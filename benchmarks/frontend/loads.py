"""Opening a page as if for the first time: what is sent, and when the largest of its content stands there."""

from typing import Any

SLOWED = 4
SETTLE_MS = 1000
_PAINTS = """
window.largestPaint = 0;
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.largestPaint = entry.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""


def loaded(browser: Any, address: str, cookie: dict[str, str]) -> tuple[int, int, float]:
    """(bytes as sent, requests, largest contentful paint in ms) with nothing cached and the processor slowed down."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([cookie])
    page = context.new_page()
    page.add_init_script(_PAINTS)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    sent: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    page.goto(address)
    page.wait_for_timeout(SETTLE_MS)
    paint_ms = page.evaluate("() => window.largestPaint")
    context.close()
    return round(sum(sent)), len(sent), round(paint_ms, 1)
