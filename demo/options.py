"""What a person can say to `python -m demo`, on the command line or in the environment."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from demo.processes import ROOT


@dataclass(frozen=True)
class Options:
    """`password` sets the administrator's password at first start (tests); otherwise one is made up and shown once."""

    var_dir: Path
    host: str
    port: int
    password: str | None
    is_quiet: bool


def run_arguments(parser: argparse.ArgumentParser) -> None:
    environ = os.environ
    parser.add_argument("--var-dir", type=Path, default=environ.get("GEMEL_VAR_DIR") or ROOT / "var", help="all data")
    parser.add_argument("--host", default=environ.get("HOST", "127.0.0.1"), help="address to listen on")
    parser.add_argument("--port", type=int, default=int(environ.get("PORT", "8000")), help="first port to try")
    parser.add_argument("--quiet", action="store_true", help="processes log to var/log only")


def options_from(arguments: argparse.Namespace) -> Options:
    return Options(
        var_dir=Path(arguments.var_dir).resolve(),
        host=arguments.host,
        port=arguments.port,
        password=os.environ.get("GEMEL_DEMO_PASSWORD"),
        is_quiet=arguments.quiet,
    )
