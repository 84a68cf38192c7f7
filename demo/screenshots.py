"""Pictures of the running demo for documentation and review: `python -m demo.screenshots [--out FOLDER]`.

Every main page at desktop and phone width, light and dark. The README's picture, docs/images/dashboard.png, is the
light desktop page of a box, best taken after its merge was approved; --readme writes only that one.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import django

from demo.chromium import chromium_found
from demo.instance import instance_read
from demo.options import run_arguments
from demo.password import ADMINISTRATOR
from demo.processes import ROOT, environment

CHROMIUM_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844)}
SETTLE_MS = 2500  # charts draw and the first live pictures arrive
README_PICTURE = ROOT / "docs" / "images" / "dashboard.png"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    run_arguments(parser)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--readme", action="store_true", help="only docs/images/dashboard.png")
    options = parser.parse_args(arguments)
    var_dir = Path(options.var_dir).resolve()
    instance = instance_read(var_dir)
    if instance is None:
        print("The demo does not run on this data: start it with make demo first.", file=sys.stderr)
        return 1
    os.environ.update(environment(var_dir, instance.servers))
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's own loop runs beside; nothing here is concurrent
    django.setup()
    from demo.people import session_of

    with session_of(ADMINISTRATOR) as session:
        _take_all(instance.url, session, options.out, options.readme)
    return 0


def _take_all(url: str, session: str, out: Path, only_readme: bool) -> None:
    from playwright.sync_api import sync_playwright

    pages = dict(_pages())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_found(), args=list(CHROMIUM_OPTIONS))
        cookie = {"name": "sessionid", "value": session, "url": url}
        for look, (width, height), scheme in _looks(only_readme):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            context.add_cookies([cookie])  # type: ignore[list-item]
            page = context.new_page()
            for name, address in pages.items():
                if only_readme and name != "box-detail":
                    continue
                page.goto(url + address)
                page.wait_for_timeout(SETTLE_MS)
                target = README_PICTURE if only_readme else out / f"{name}-{look}-{scheme}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=target, full_page=not only_readme)
                print(target, flush=True)
            context.close()
        browser.close()


def _looks(only_readme: bool) -> Iterator[tuple[str, tuple[int, int], str]]:
    if only_readme:
        yield "desktop", WIDTHS["desktop"], "light"
        return
    for look, size in WIDTHS.items():
        for scheme in ("light", "dark"):
            yield look, size, scheme


def _pages() -> Iterator[tuple[str, str]]:
    """(name, address) of every list, every form, and the newest of every kind of thing."""
    from django.urls import reverse

    from webapp.fleets.models import Box, Camera
    from webapp.merges.models import MergedGroup, MergeRun
    from webapp.workloads.models import Dataset, Model, Query

    for name in ("overview", "box-list", "camera-list", "query-list", "audit-log"):
        yield name, reverse(f"dashboard:{name}")
    for name in ("model-list", "model-add", "query-add", "dataset-list", "dataset-request", "dataset-upload"):
        yield name, reverse(f"workloads:{name}")
    for name in ("box-add", "camera-add"):
        yield name, reverse(f"fleets:{name}")
    for name in ("person-list", "person-invite", "site-list"):
        yield name, reverse(f"people:{name}")
    yield "account", reverse("mfa_index")
    yield "token-list", reverse("accounts:token-list")
    for name in ("run-list", "run-choose", "group-list"):
        yield name, reverse(f"merges:{name}")
    details: dict[str, Any] = {
        "dashboard:box-detail": Box,
        "dashboard:camera-detail": Camera,
        "dashboard:query-detail": Query,
        "workloads:model-detail": Model,
        "workloads:dataset-detail": Dataset,
        "merges:run-detail": MergeRun,
        "merges:group-detail": MergedGroup,
    }
    for route, kind in details.items():
        newest = kind.objects.order_by("-created_at").first()
        if newest is not None:
            yield route.split(":")[1], reverse(route, args=[newest.pk])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
