"""The ratios as a picture."""

import statistics

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

import report  # noqa: E402

COLOURS = {"PyTorch": "#c8553d", "JAX": "#2f6690", "scikit-learn": "#8a9a5b"}
INK, FAINT = "#222222", "#dddddd"


def times(value, _position=None):
    return f"{value:g}×"


def decorate(axes, title):
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=12)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    axes.set_axisbelow(True)


def logarithmic(axis):
    axis.set_major_formatter(FuncFormatter(times))
    axis.set_minor_formatter(NullFormatter())


def draw_fixed(axes, networks):
    """A bar for every network and library, its quartiles as a line."""
    names = list(networks)
    height = 0.8 / len(COLOURS)
    for row, name in enumerate(names):
        for place, (peer, colour) in enumerate(COLOURS.items()):
            found = report.ratios(networks[name], peer)
            y = row + (place - 1) * height
            if not found:
                axes.text(1.03, y, "–", va="center", fontsize=8, color=colour)
                continue
            low, middle, high = report.quartiles(found)
            label = peer if row == 0 else None
            axes.barh(y, middle - 1, left=1, height=0.9 * height, color=colour, label=label)
            axes.plot([low, high], [y, y], color=INK, linewidth=1)
            beyond = max(high, 1.0) * 1.06
            axes.text(beyond, y, report.number(middle) + "×", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    left, right = axes.get_xlim()
    axes.set_xlim(min(left, 0.7), right * 1.6)
    logarithmic(axes.xaxis)
    axes.axvline(1, color=INK, linewidth=1)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    decorate(axes, "Time of a training step, as a multiple of nnc's")


def draw_drawn(axes, networks):
    """All drawn networks by their ratio."""
    found = {name: report.ratios(result, "JAX") for name, result in networks.items()}
    ordered = sorted((report.quartiles(values) for values in found.values() if values),
                     key=lambda quartiles: quartiles[1])
    for place, (low, middle, high) in enumerate(ordered):
        axes.plot([place, place], [low, high], color=COLOURS["JAX"], linewidth=1, alpha=0.5)
        axes.plot(place, middle, "o", markersize=4, color=COLOURS["JAX"])
    median = statistics.median(middle for _, middle, _ in ordered)
    axes.axhline(median, color=COLOURS["JAX"], linewidth=1, linestyle=(0, (4, 3)))
    axes.text(0, median * 1.05, f"median {report.number(median)}×", fontsize=9, color=COLOURS["JAX"])
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_yscale("log")
    logarithmic(axes.yaxis)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5)))
    axes.set_xticks([])
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    decorate(axes, f"{len(ordered)} networks drawn by a seed: JAX's time as a multiple of nnc's")


def draw(networks, folder):
    """Writes `results.svg` and `results.png`."""
    fixed = {name: result for name, result in networks.items() if not result["drawn"]}
    drawn = {name: result for name, result in networks.items() if result["drawn"]}
    parts = [part for part in ((fixed, draw_fixed), (drawn, draw_drawn)) if part[0]]
    heights = [0.62 * len(part) + 1.2 if draw is draw_fixed else 3.4 for part, draw in parts]
    figure, axes = plt.subplots(
        len(parts), 1, figsize=(9, sum(heights)), height_ratios=heights, squeeze=False
    )
    for (part, draw_part), own in zip(parts, axes[:, 0]):
        draw_part(own, part)
    figure.tight_layout(h_pad=2.5)
    figure.savefig(folder / "results.svg")
    figure.savefig(folder / "results.png", dpi=150)
    plt.close(figure)
