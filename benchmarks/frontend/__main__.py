"""Pages in a real Chromium, against the product's web process and a small fleet in a database of its own.

make bench-frontend                                            weight and paint of every page, live chart, heap
make bench-frontend ARGS="--only box-detail --repeat 1 --minutes 3 --out /tmp/frontend.json"
make bench-frontend ARGS="--parts chart heap"

Live messages come as the page's WebSocket brings them, sped up; everything behind that is the page's own code.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.claims import check_lines
from benchmarks.frontend.claims import MINUTES, POINTS, SERIES, Load, checks
from benchmarks.kept_servers import kept_servers
from benchmarks.machine import circumstances, save
from demo import processes
from demo.chromium import chromium_found
from demo.prepare import prepare
from demo.servers import free_port

BOXES = 20
CHART_S = 20
PARTS = ("loads", "chart", "heap")
PACKAGES = ("django", "channels", "uvicorn", "whitenoise", "playwright")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--only", default="", help="pages whose names have this in them")
    parser.add_argument("--repeat", type=int, default=3, help="loads of each page; its paint is their median")
    parser.add_argument("--minutes", type=int, default=MINUTES, help="simulated, of live messages")
    parser.add_argument("--out", type=Path, help="instead of benchmarks/results/frontend.json")
    options = parser.parse_args()
    if chromium_found() is None:
        sys.exit("There is no Chromium here: install chromium, or name it in CHROMIUM_PATH.")
    return asyncio.run(run(options))


async def run(options: argparse.Namespace) -> int:
    var_dir = processes.ROOT / "var" / "bench-frontend"
    async with kept_servers(var_dir) as (supervisor, shared):
        await prepare(var_dir, shared)
        port = free_port()
        await supervisor.start(processes.web(shared, "127.0.0.1", port))
        return await asyncio.to_thread(_measured, f"http://127.0.0.1:{port}", options)


def _measured(url: str, options: argparse.Namespace) -> int:
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from benchmarks.frontend.fleet import seed
    from demo.gallery.inspection import launch
    from demo.people import session_of

    seed(BOXES, datetime.now(UTC))
    loads: list[Load] = []
    chart, heaps = None, []
    with session_of("administrator") as session, sync_playwright() as playwright:
        browser = launch(playwright, chromium_found())
        cookie = {"name": "sessionid", "value": session, "url": url}
        if "loads" in options.parts:
            loads = list(_loads(browser, url, cookie, options))
        if "chart" in options.parts:
            chart = _chart(browser, url, cookie)
        if "heap" in options.parts:
            heaps = list(_heaps(browser, url, cookie, options.minutes))
        version = browser.version
        browser.close()
    found = list(checks(loads, chart, heaps))
    print("\n".join(check_lines(found)))
    measured = {"chromium": version, "checks": found, "loads": loads, "chart": chart, "heaps": heaps}
    result: dict[str, Any] = msgspec.to_builtins(measured)
    if options.out:
        content = msgspec.json.encode({**circumstances(PACKAGES), **result})
        options.out.write_bytes(msgspec.json.format(content, indent=2))
    else:
        print(f"Written to {save('frontend', result, PACKAGES)}")
    return 0 if all(check.is_held for check in found) else 1


def _loads(browser: Any, url: str, cookie: dict[str, str], options: argparse.Namespace) -> Iterator[Load]:
    from benchmarks.frontend.loads import loaded
    from demo.gallery.pages import SIGNED_OUT, page_addresses
    from demo.gallery.shown import newest

    context = browser.new_context()
    context.add_cookies([cookie])
    for name, address in page_addresses(newest()):
        if options.only not in name or name == SIGNED_OUT:
            continue
        answer = context.request.get(url + address, max_redirects=0)  # also warms the server up
        if answer.status != 200 or "<title>" not in answer.text():
            continue
        runs = [loaded(browser, url + address, cookie) for _ in range(options.repeat)]
        sent, requests, _ = runs[0]
        load = Load(name, sent, requests, tuple(paint for _, _, paint in runs))
        print(f"{sent / 1000:6.0f} kB  {requests:3} requests  {load.median_lcp_ms:6.0f} ms  {name}", flush=True)
        yield load


def _chart(browser: Any, url: str, cookie: dict[str, str]) -> Any:
    from django.urls import reverse

    from benchmarks.frontend.fleet import going_run
    from benchmarks.frontend.live import chart

    run, names = going_run(SERIES)
    page, socket = _live_page(browser, url + reverse("merges:run-detail", args=[run.pk]), cookie)
    found = chart(page, socket, run, names, POINTS, CHART_S)
    page.context.close()
    return found


def _heaps(browser: Any, url: str, cookie: dict[str, str], minutes: int) -> Iterator[Any]:
    from django.urls import reverse

    from benchmarks.frontend.fleet import PICTURE, watched
    from benchmarks.frontend.live import BoxLife, heap

    box, cameras, queries = watched()
    addresses = {
        "overview": reverse("dashboard:overview"),
        "box": reverse("dashboard:box-detail", args=[box.pk]),
        "query": reverse("dashboard:query-detail", args=[queries[0].pk]),
        "camera": reverse("dashboard:camera-detail", args=[cameras[0].pk]),
    }
    for name, address in addresses.items():
        page, socket = _live_page(browser, url + address, cookie)
        found = heap(page, socket, BoxLife(box, cameras, queries), PICTURE, minutes, name)
        print(f"{name}: {found.used_bytes[0] / 2**20:.1f} to {found.used_bytes[-1] / 2**20:.1f} MiB", flush=True)
        page.context.close()
        yield found


def _live_page(browser: Any, address: str, cookie: dict[str, str]) -> tuple[Any, Any]:
    from benchmarks.frontend.live import LiveSocket

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([cookie])
    page = context.new_page()
    socket = LiveSocket(page)
    page.goto(address)
    page.wait_for_timeout(1500)
    return page, socket


if __name__ == "__main__":
    sys.exit(main())
