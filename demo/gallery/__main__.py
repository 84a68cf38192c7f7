"""`make gallery`: pictures of every page at three widths, light and dark, side by side in var/gallery/index.html.

Of the running demo, or of one that this starts and stops again. Beside the pictures stands what a browser finds wrong
with the page (inspection.py); anything found is a failure.

make gallery                                           every page
make gallery ARGS="--only box --widths 390 1440"       pages whose names have this in them
make gallery ARGS="--schemes dark --resume"            without the pages that an earlier walk into this folder has seen
make gallery ARGS="--readme"                           only the pictures of the README, into docs/images
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import django

from demo.chromium import chromium_found
from demo.gallery.inspection import EVERY_RULE, RULES_OF_A_LOOK, SCHEMES, WIDTHS, Inspection, launch
from demo.gallery.running import running_demo
from demo.options import run_arguments
from demo.password import ADMINISTRATOR
from demo.processes import ROOT, environment

LOAD_MS, LOOK_MS = 2500, 400  # charts draw and the first live pictures arrive; charts take a new width
README = {
    "dashboard:overview": (1440, "light"),
    "dashboard:box-detail": (1440, "light"),
    "merges:group-detail": (1440, "dark"),
}
README_FOLDER = ROOT / "docs" / "images"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m demo.gallery", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    run_arguments(parser)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "gallery")
    parser.add_argument("--only", default="", help="pages whose names have this in them")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), choices=WIDTHS)
    parser.add_argument("--schemes", nargs="+", default=list(SCHEMES), choices=SCHEMES)
    parser.add_argument("--resume", action="store_true", help="go on where the walk before this one ended")
    parser.add_argument("--readme", action="store_true", help="only the pictures in docs/images")
    options = parser.parse_args(arguments)
    if chromium_found() is None:
        print("There is no Chromium here: install chromium, or name it in CHROMIUM_PATH.", file=sys.stderr)
        return 1
    var_dir = Path(options.var_dir).resolve()
    with running_demo(var_dir, options.port) as instance:
        os.environ.update(environment(var_dir, instance.servers))
        django.setup()
        from demo.people import session_of

        with session_of(ADMINISTRATOR) as session:
            return _walk(instance.url, session, options)


def _walk(url: str, session: str, options: argparse.Namespace) -> int:
    from playwright.sync_api import sync_playwright

    from demo.gallery.pages import SIGNED_OUT
    from demo.gallery.shown import WALKED, Shown, remember, walked, write_index

    options.out.mkdir(parents=True, exist_ok=True)
    if not (options.resume or options.readme):
        (options.out / WALKED).unlink(missing_ok=True)
    pages = {} if options.readme else walked(options.out)
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium_found())
        context = browser.new_context()
        inspection = Inspection(context.new_page(), url)
        for name, address in _addresses(options):
            if name in pages:
                continue
            if name != SIGNED_OUT:
                context.add_cookies([{"name": "sessionid", "value": session, "url": url}])
            answer = context.request.get(url + address, max_redirects=0)
            if answer.status != 200 or "<title>" not in answer.text():
                continue  # a part of a page, or an address that only takes what is sent
            inspection.page.goto(url + address)
            inspection.page.wait_for_timeout(LOAD_MS)
            if options.readme:
                _take_for_readme(inspection, name)
                continue
            pages[name] = Shown(name, address, *_looked_at(inspection, name, options))
            remember(options.out, pages[name])
            print(f"{name}: {'; '.join(pages[name].problems) or 'ok'}", flush=True)
        browser.close()
    if options.readme:
        return 0
    print(f"{len(pages)} pages in {write_index(options.out, list(pages.values()))}")
    return 1 if any(page.problems for page in pages.values()) else 0


def _looked_at(inspection: Inspection, name: str, options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """(pictures' file names, problems)"""
    pictures = []
    for scheme in options.schemes:
        for width in options.widths:
            inspection.show(width, scheme)
            inspection.page.wait_for_timeout(LOOK_MS)
            picture = f"{name.replace(':', '-')}-{width}-{scheme}.jpg".replace("?", "-")
            inspection.page.screenshot(path=options.out / picture, full_page=True, type="jpeg", quality=85)
            inspection.look(width, scheme, rules=EVERY_RULE if scheme == options.schemes[0] else RULES_OF_A_LOOK)
            pictures.append(picture)
    return pictures, inspection.take_problems()


def _take_for_readme(inspection: Inspection, name: str) -> None:
    """As PNG of 256 colours, which is a third of its size and looks the same."""
    from PIL import Image

    path = README_FOLDER / f"{name.split(':')[1]}.png"
    inspection.show(*README[name])
    inspection.page.wait_for_timeout(LOAD_MS)
    inspection.page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


def _addresses(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    from demo.gallery.pages import page_addresses
    from demo.gallery.shown import newest

    for name, address in page_addresses(newest() | {"action": "abort"}):
        if name in README if options.readme else options.only in name:
            yield name, address


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
