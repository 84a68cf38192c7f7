"""`python -m demo run|password|clean|backup|restore|test`: what the Makefile's targets call."""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence

from demo.instance import only_instance
from demo.options import Options, options_from, run_arguments
from demo.product import run_product
from demo.survivors import end_survivors
from demo.testing import run_tests
from demo.unprivileged import remove_room
from edge_runtime.protocol.errors import GemelError


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", choices=["run", "password", "clean", "backup", "restore", "test"])
    run_arguments(parser)
    known, rest = parser.parse_known_args(arguments)
    takes_more = {"backup": len(rest) == 1, "restore": bool(rest), "test": True}
    if not takes_more.get(known.command, not rest):
        parser.error(f"unknown: {' '.join(rest)}" if rest else "name the file, e.g. FILE=/backups/fleet.backup")
    options = options_from(known)
    try:
        return _obey(known.command, options, rest)
    except GemelError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _obey(command: str, options: Options, rest: Sequence[str]) -> int:
    if command == "test":
        return asyncio.run(run_tests(rest))
    if command == "clean":
        _clean(options)
    elif command == "password":
        from demo.password import set_password  # only this needs a database

        asyncio.run(set_password(options))
    elif command in ("backup", "restore"):
        from demo.backups import backup, restore

        asyncio.run(backup(options, rest[0]) if command == "backup" else restore(options, list(rest)))
    else:
        asyncio.run(run_product(options))
    return 0


def _clean(options: Options) -> None:
    """Removes all data, including what lies under /var/tmp when PostgreSQL could not enter the folder as `nobody`."""
    if not options.var_dir.exists():
        print(f"There is no data in {options.var_dir}.")
        return
    with only_instance(options.var_dir):
        end_survivors(options.var_dir / "run" / "processes.json")
        shutil.rmtree(options.var_dir, ignore_errors=True)
        remove_room(options.var_dir / "postgres")
    print(f"The data in {options.var_dir} is removed.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
