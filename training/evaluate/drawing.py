"""How every picture is drawn: as SVG, the same bytes for the same input, for colour-blind readers, too.

Rules of this file: colours are Okabe and Ito's, and no meaning hangs on colour alone: lines differ in style, points in
shape. Text stays text, so that a file is small and can be searched.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

BLUE, RED, GREEN, ORANGE, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#777777", "#000000"

_STYLE = {
    "svg.hashsalt": "nodkald",  # ids inside the file would be random
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
}
_NO_METADATA = {"Date": None, "Creator": None}


def sheet(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure of inches `width` by `height`, and its axes row by row."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def save(figure: Figure, path: Path) -> None:
    """Write the picture, and make its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        FigureCanvasSVG(figure).print_svg(path, metadata=_NO_METADATA)
