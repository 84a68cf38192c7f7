"""A comparison as a picture: memory saved over time and over samples seen, one step per accepted configuration.

matplotlib is imported when it is needed only: everything else of the core works without it.
"""

from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size
from workers.merging.comparison import Comparison, StrategyResult
from workers.merging.result import Saving

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with every form of colour blindness, and by their lines also without any colour.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES = ("-", "--", "-.", ":")
MINUTES_FROM_S = 300.0


class PlotUnavailable(GemelError):
    code = "plot_unavailable"


def new_figure(path: Path) -> "Figure":
    """An empty figure that can be saved as `path`: to be asked for before hours of work whose picture it will be.

    Raises PlotUnavailable where matplotlib is missing or knows no such kind of file.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotUnavailable(
            "The plot needs matplotlib, which is not installed here: install it with `pip install matplotlib`, or "
            "leave --plot out; the figures are written all the same."
        ) from error
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in kinds:
        raise PlotUnavailable(f"A plot cannot be written as {path.name}; end its name in .png, .svg or .pdf.")
    return figure


def plot_comparison(comparison: Comparison, path: Path) -> None:
    """Writes a picture of the kind that the suffix of `path` names. Raises PlotUnavailable."""
    figure = new_figure(path)
    over_time, over_samples = figure.subplots(1, 2, sharey=True)
    drawn = [result for result in comparison.strategies if result.error is None]
    unit_s = 60 if max((result.seconds for result in drawn), default=0.0) >= MINUTES_FROM_S else 1
    for result, colour, line in zip(drawn, cycle(_COLOURS), cycle(_LINES)):
        look: dict[str, Any] = {"color": colour, "linestyle": line, "label": result.strategy}
        percent = [_percent(point.saved_bytes, comparison) for point in curve(result)]
        _draw(over_time, [point.seconds / unit_s for point in curve(result)], percent, look)
        _draw(over_samples, [point.samples_seen / 1000 for point in curve(result)], percent, look)
    over_time.set_xlabel("time, minutes" if unit_s > 1 else "time, seconds")
    over_samples.set_xlabel("samples seen, thousands")
    over_time.set_ylabel(f"memory saved, % of {format_size(comparison.bytes_before)}")
    for panel in (over_time, over_samples):
        panel.axhline(_percent(comparison.optimum_bytes, comparison), color="0.4", linewidth=1, label="optimum")
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    figure.legend(*over_time.get_legend_handles_labels(), loc="outside lower center", ncols=len(drawn) + 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _draw(panel: "Axes", across: list[float], percent: list[float], look: dict[str, Any]) -> None:
    """Steps with a dot at every acceptance; the line ends where the run did."""
    panel.step(across, percent, where="post", linewidth=2.2, **look)
    panel.plot(across[1:-1], percent[1:-1], linestyle="none", marker="o", color=look["color"])


def curve(result: StrategyResult) -> tuple[Saving, ...]:
    """The corners of a strategy's steps: nothing saved at the start, its acceptances, what it has at its end."""
    bundle = result.savings[-1].bundle if result.savings else 0
    end = Saving(result.seconds, result.samples_seen, result.saved_bytes, bundle)
    return (Saving(0.0, 0, 0, 0), *result.savings, end)


def _percent(saved_bytes: int, comparison: Comparison) -> float:
    return 100 * saved_bytes / comparison.bytes_before if comparison.bytes_before else 0.0
