"""The command line of the merging core: `python -m workers.merging COMMAND`. Prints; everything else is the core's.

Exit codes: 0 finished, 2 input that cannot be used, 3 a checkpoint that cannot be resumed (one sentence on standard
error), 130 cancelled.
"""

import typer

from workers.merging.cli.compare import compare
from workers.merging.cli.fit import fit
from workers.merging.cli.inspect import inspect
from workers.merging.cli.run import run

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
for command in (inspect, fit, run, compare):
    app.command()(command)
