"""Server time and SQL statements of every page, with a big fleet in the database.

make bench-pages                                                 1,000 boxes, 5,000 cameras; seeded once, in minutes
make bench-pages ARGS="--boxes 50 --repeat 10 --only box-list"   fewer; nothing is written with --only
make bench-pages ARGS="--only overview --sql 20"                 also its statements that take 20 ms or more
make bench-pages ARGS="--keep-statements"                        the SQL statements measured become the baseline

The fleet stays from run to run. What the product takes for the present begins when the fleet was made: it has just been
heard, and charts of the last ten minutes are full.
"""

import argparse
import asyncio
import json
import logging
import sys
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
    parser.add_argument("--only", help="pages whose names have this in them; upkeep: the periodic tasks")
    parser.add_argument("--sql", type=float, metavar="MS", help="show statements that take as long or longer")
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

    from benchmarks.pages.measured import measured

    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # that a POST address refuses GET is no news
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    found = measured(options.boxes, options.repeat, options.only, options.sql)
    if options.only:
        return 0
    statements = {page.page: page.statements for page in found.pages}
    if options.keep_statements:
        BASELINE.write_text(json.dumps(statements, indent=2) + "\n")
    result = msgspec.to_builtins(found)
    held = checks(result["pages"], json.loads(BASELINE.read_text()) if BASELINE.exists() else {})
    print("\n".join(check_lines(held)))
    path = save("pages", {"repeat": options.repeat, "checks": msgspec.to_builtins(held)} | result)
    print(f"Written to {path}")
    return 0 if all(check.is_held for check in held) else 1


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
