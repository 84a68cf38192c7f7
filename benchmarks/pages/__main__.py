"""Server time and SQL statements of every page, with a big fleet in the database.

make bench-pages                                                 1,000 boxes, 5,000 cameras; seeded once, in minutes
make bench-pages ARGS="--boxes 50 --repeat 10 --only box-list"   fewer; nothing is written with --only
make bench-pages ARGS="--keep-statements"                        the SQL statements measured become the baseline
"""

import argparse
import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.claims import Check, check_lines
from benchmarks.kept_servers import kept_servers
from benchmarks.machine import save
from demo import processes
from demo.prepare import migrate

BASELINE = Path(__file__).with_name("statements.json")
P95_MAX_MS = 200.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=40, help="requests of each page")
    parser.add_argument("--only", help="pages whose names have this in them")
    parser.add_argument("--keep-statements", action="store_true", help="as the baseline of SQL statements")
    return asyncio.run(run(parser.parse_args()))


async def run(options: argparse.Namespace) -> int:
    var_dir = processes.ROOT / "var" / f"bench-pages-{options.boxes}"
    async with kept_servers(var_dir) as (_, shared):
        await migrate(shared)
        return await asyncio.to_thread(_measured, options)


def _measured(options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from benchmarks.pages.fleet import seed
    from benchmarks.pages.pages import Measurement, PageFigures, rest_lists, row_counts
    from demo.gallery.pages import our_pages
    from webapp.accounts.models import Person
    from webapp.fleets.models import Box

    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # that a POST address refuses GET is no news
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    if not Box.objects.exists():
        print(f"Making a fleet of {options.boxes} boxes.", flush=True)
        seed(options.boxes, datetime.now(UTC))
    client = Client()
    client.force_login(Person.objects.get(username="administrator"))
    measurement, figures, left_out = Measurement(client, options.repeat), [], {}
    for page in (*our_pages(), *rest_lists()):
        if options.only and options.only not in page.name:
            continue
        found = measurement.of(page)
        if isinstance(found, PageFigures):
            figures.append(found)
            took = f"{found.p95_ms:8.1f} ms  cpu {found.cpu_ms:6.1f} ms  {found.statements:4} statements"
            print(f"{took}  {found.size_bytes / 1024:7.0f} KiB  {found.page}", flush=True)
        else:
            left_out[page.title] = found
    rows = row_counts()
    connection.close()
    if options.only:
        return 0
    statements = {found.page: found.statements for found in figures}
    if options.keep_statements:
        BASELINE.write_text(json.dumps(statements, indent=2) + "\n")
    found = checks(msgspec.to_builtins(figures), json.loads(BASELINE.read_text()) if BASELINE.exists() else {})
    print("\n".join(check_lines(found)))
    result = {"rows": rows, "repeat": options.repeat, "checks": msgspec.to_builtins(found)}
    path = save("pages", result | {"pages": msgspec.to_builtins(figures), "not_measured": left_out})
    print(f"Written to {path}")
    return 0 if all(check.is_held for check in found) else 1


def checks(figures: list[dict[str, Any]], baseline: dict[str, int]) -> list[Check]:
    slow = [f"{page['page']} {page['p95_ms']:.0f} ms" for page in figures if page["p95_ms"] >= P95_MAX_MS]
    grown = [
        f"{page['page']} {page['statements']} instead of {allowed}"
        for page in figures
        if (allowed := baseline.get(page["page"])) is not None and page["statements"] > allowed
    ]
    new = [page["page"] for page in figures if page["page"] not in baseline]
    return [
        Check(f"server time of every page, p95 under {P95_MAX_MS:.0f} ms", not slow, "; ".join(slow) or "all"),
        Check("no page needs more SQL statements than its baseline", not grown, "; ".join(grown) or "none"),
        Check("every page has a baseline", not new, ", ".join(new) or "all"),
    ]


if __name__ == "__main__":
    sys.exit(main())
