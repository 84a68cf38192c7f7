"""The command line of a box: `gemel-edge enrol` and `gemel-edge run`."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

# Before torch is imported: spinning OpenMP threads of two processes on two cores slow each other 2-40 times.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import typer

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import parse_size

cli = typer.Typer(
    help="One edge box of a Gemel fleet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
StateDir = Annotated[Path | None, typer.Option(help="Folder for identity and models; default: the user's state folder")]


@cli.command()
def enrol(
    server: Annotated[str, typer.Option(help="Address of the fleet's server, like https://fleet.example.org")],
    code: Annotated[str, typer.Option(help="One-time join code from the server's page of this box")],
    state_dir: StateDir = None,
) -> None:
    """Make this machine a box of a fleet."""
    from edge_runtime.agent.enrolment import enrol as enrol_box
    from edge_runtime.agent.enrolment import server_address
    from edge_runtime.agent.identity import default_state_dir

    # Before torch, whose import takes seconds on a small box, is loaded to look at the hardware.
    address = server_address(server)
    from edge_runtime.agent.hardware import hardware

    folder = state_dir or default_state_dir()
    identity = enrol_box(server=address, code=code, state_dir=folder, hardware=hardware())
    typer.echo(f'This machine is now box "{identity.name}" of {identity.server}. Start it with: gemel-edge run')


@cli.command()
def run(
    memory_budget: Annotated[str, typer.Option(help="Device memory for models, like 300MiB")] = "300MiB",
    policy: Annotated[
        str, typer.Option(help="Scheduling policy: layerwise, merge-aware, time-sharing or space-sharing")
    ] = "layerwise",
    swap_bandwidth: Annotated[
        str | None, typer.Option(help="Bytes a second at which weights reach the device, to try a slower link")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of one model run on the CPU")] = 1,
    media_root: Annotated[Path | None, typer.Option(help="The only folder that file cameras may lie in")] = None,
    state_dir: StateDir = None,
) -> None:
    """Run the models that the fleet's server wants on this box, until it is stopped."""
    budget = parse_size(memory_budget)
    bandwidth = parse_size(swap_bandwidth) if swap_bandwidth else None
    from edge_runtime.agent.identity import default_state_dir, load_identity

    folder = state_dir or default_state_dir()
    load_identity(folder)
    from edge_runtime import app

    app.run(
        app.Options(
            state_dir=folder,
            memory_budget=budget,
            policy=policy,
            device=device,
            threads=threads,
            swap_bandwidth=bandwidth,
            media_root=media_root,
        )
    )


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        cli()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except GemelError as error:
        sys.stderr.write(f"{error}\n")
        code = 2
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that hang in a camera's network read must not hold up the end: everything worth keeping is on disk.
    os._exit(code)


if __name__ == "__main__":
    main()
