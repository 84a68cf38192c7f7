"""The command line of a box: `gemel-edge enrol`, `run`, `profile`, `simulate`, `check` and `doctor`."""

import logging
import os
import signal
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
_CHECK_FRAMES = 2000  # nobody waits with a finger on a key: seconds are fine
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
    log_format: Annotated[
        str, typer.Option(help="json: a line of JSON each; text: for people; auto: text in a terminal, else json")
    ] = "auto",
    software_decoding: Annotated[
        bool, typer.Option("--software-decoding", help="Decode video on the CPU although a device could")
    ] = False,
    download_limit: Annotated[
        str | None, typer.Option(help="Bytes a second at most for fetching bundles, like 500KiB")
    ] = None,
    results: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write every answer there as a line of JSON; - for stdout")
    ] = None,
    results_limit: Annotated[
        str, typer.Option(help="What the file of results and the older one beside it may hold together")
    ] = "100MiB",
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Tell results on the spot there, like 127.0.0.1:8090")
    ] = None,
    spool_size: Annotated[
        str, typer.Option(help="Disk space at most for statistics that wait while the server is away")
    ] = "512MiB",
    spool_hours: Annotated[float, typer.Option(min=0.1, help="And how many hours of them")] = 36.0,
    state_dir: StateDir = None,
) -> None:
    """Run the models that the fleet's server wants on this box, until it is stopped."""
    budget = parse_size(memory_budget)
    bandwidth = parse_size(swap_bandwidth) if swap_bandwidth else None
    limit = parse_size(download_limit) if download_limit else None
    kept = parse_size(results_limit)
    spool_bytes = parse_size(spool_size)
    from edge_runtime.agent.identity import default_state_dir, load_identity
    from edge_runtime.health.logs import keep_log, set_up_logging

    # Until the box works, which takes seconds, there is nothing to put in order.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    folder = state_dir or default_state_dir()
    set_up_logging(log_format)
    keep_log(folder, load_identity(folder).box)
    from edge_runtime import app
    from edge_runtime.agent.outlets import OutletOptions
    from edge_runtime.agent.stats_spool import SpoolLimits

    app.run(
        app.Options(
            state_dir=folder,
            memory_budget=budget,
            policy=policy,
            device=device,
            threads=threads,
            swap_bandwidth=bandwidth,
            media_root=media_root,
            software_decoding=software_decoding,
            download_limit=limit,
            outlets=OutletOptions(results, kept, listen),
            spool=SpoolLimits(spool_bytes, spool_hours * 3600),
        )
    )


@cli.command()
def profile(
    bundle: Annotated[
        Path | None, typer.Option(help="Folder with manifest.json and blobs; default: what this box runs")
    ] = None,
    repetitions: Annotated[int, typer.Option(min=3, help="Of every load and run")] = 9,
    swap_bandwidth: Annotated[str | None, typer.Option(help="As for run")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of one model run on the CPU")] = 1,
    state_dir: StateDir = None,
    out: Annotated[Path | None, typer.Option(help="Also write the figures to this file")] = None,
) -> None:
    """Measure how long the models of a bundle take to load and to run here, and what memory they need."""
    from edge_runtime import app
    from edge_runtime.agent.identity import default_state_dir
    from edge_runtime.scheduling.measured import encode_measured

    bandwidth = parse_size(swap_bandwidth) if swap_bandwidth else None
    folder = state_dir or default_state_dir()
    measured, kept = app.measure(app.MeasureOptions(folder, bundle, device, threads, bandwidth, repetitions))
    typer.echo("\n".join(measured.lines()))
    typer.echo(f"{measured.hardware}; kept in {kept}, where gemel-edge run finds it.")
    if out is not None:
        out.write_bytes(encode_measured(measured))


@cli.command()
def simulate(
    measured: Annotated[Path, typer.Argument(metavar="PROFILE", help="As written by: gemel-edge profile --out")],
    workload: Annotated[
        Path | None, typer.Option(help="JSON with queries: query, slot, rate_fps, deadline_ms, camera, priority")
    ] = None,
    rate_fps: Annotated[float, typer.Option(help="Without a workload: of one query per model")] = 5.0,
    deadline_ms: Annotated[int, typer.Option(help="Without a workload: of one query per model")] = 500,
    memory: Annotated[
        str, typer.Option(help="Settings with commas: min, all, a share like 50%, a size")
    ] = "min,50%,75%,all",
    policy: Annotated[
        str, typer.Option(help="Policies with commas")
    ] = "time-sharing,space-sharing,merge-aware,layerwise",
    seconds: Annotated[float, typer.Option(min=1, help="Of virtual time")] = 600.0,
    swap_bandwidth: Annotated[str | None, typer.Option(help="Bytes a second, instead of what was measured")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write the rows to this file")] = None,
) -> None:
    """Foretell from measured models how many frames a workload gets processed in time."""
    import msgspec

    from edge_runtime.scheduling import comparison
    from edge_runtime.scheduling.measured import decode_measured
    from edge_runtime.scheduling.workload import decode_workload, one_query_each

    figures = decode_measured(_read(measured))
    slots = [model.slot for model in figures.models]
    asked = decode_workload(_read(workload)) if workload else one_query_each(slots, rate_fps, deadline_ms)
    rows = []
    typer.echo(comparison.HEAD)
    for row in comparison.compare(
        asked,
        figures,
        settings=memory.split(","),
        policies=policy.split(","),
        seconds=seconds,
        bytes_per_s=parse_size(swap_bandwidth) if swap_bandwidth else None,
    ):
        rows.append(row)
        typer.echo(row.line())
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1))


@cli.command()
def check(
    measured: Annotated[Path, typer.Argument(metavar="PROFILE", help="As written by: gemel-edge profile --out")],
    memory: Annotated[str, typer.Option(help="Memory budget: a size like 300MiB, min, all or a share like 50%")],
    workload: Annotated[
        Path | None, typer.Option(help="JSON with queries: query, slot, rate_fps, deadline_ms, camera, priority")
    ] = None,
    rate_fps: Annotated[float, typer.Option(help="Without a workload: of one query per model")] = 5.0,
    deadline_ms: Annotated[int, typer.Option(help="Without a workload: of one query per model")] = 500,
    policy: Annotated[str, typer.Option(help="Scheduling policy")] = "layerwise",
    swap_bandwidth: Annotated[str | None, typer.Option(help="Bytes a second, instead of what was measured")] = None,
) -> None:
    """Say whether a box would keep up with a workload, and what would help. Ends with 1 where it would not."""
    from edge_runtime.scheduling import advice
    from edge_runtime.scheduling.assessment import Plan, assess
    from edge_runtime.scheduling.likeness import likeness_by_network
    from edge_runtime.scheduling.measured import decode_measured
    from edge_runtime.scheduling.workload import decode_workload, one_query_each

    figures = decode_measured(_read(measured))
    networks = {model.slot: model.architecture for model in figures.models}
    asked = decode_workload(_read(workload)) if workload else one_query_each([*networks], rate_fps, deadline_ms)
    bytes_per_s = parse_size(swap_bandwidth) if swap_bandwidth else None
    plan = Plan(asked, figures.profiles(), figures.budget_for(memory, bytes_per_s), policy)
    known = advice.Known(likeness=likeness_by_network(plan.profiles, networks), frames=_CHECK_FRAMES)
    assessment = assess(plan, known.frames)
    typer.echo(advice.figures(assessment))
    if not assessment.is_met:
        typer.echo("\n".join((advice.verdict(assessment, known), *advice.advice(plan, assessment, known))))
        raise typer.Exit(1)


@cli.command()
def doctor(
    cameras: Annotated[bool, typer.Option(help="Open every camera that the box was last told of")] = True,
    device: Annotated[str, typer.Option(help="As for run")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="As for run")] = 1,
    media_root: Annotated[Path | None, typer.Option(help="As for run")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON array")] = False,
    state_dir: StateDir = None,
) -> None:
    """Look for what is wrong with this box, and say what to do. Exit code: 0 well, 1 warnings, 2 errors."""
    import msgspec

    from edge_runtime.agent.identity import default_state_dir
    from edge_runtime.doctor.examination import Asked, examine
    from edge_runtime.doctor.findings import exit_code

    findings = []
    for finding in examine(Asked(state_dir or default_state_dir(), device, threads, media_root, cameras)):
        findings.append(finding)
        if not json:
            typer.echo("\n".join(finding.lines()))
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(findings), indent=2))
    raise typer.Exit(exit_code(findings))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GemelError(f"{path} cannot be read: {error.strerror}.") from error


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
    except Exception:  # the edge of the process, which must end although threads of it hang
        logging.getLogger(__name__).exception("Ended by a fault of the program")
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that hang in a camera's network read must not hold up the end: everything worth keeping is on disk.
    os._exit(code)


if __name__ == "__main__":
    main()
