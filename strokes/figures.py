"""Figures: where the network looked while it wrote, how training went, and sheets of samples.

matplotlib's object interface throughout: nothing here touches pyplot or its global state.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .files import InputError, atomic_path
from .ink import Ink
from .ink.curves import flatten, smooth

__all__ = [
    "attention_columns",
    "attention_heatmap",
    "attention_shares",
    "read_metrics",
    "samples_sheet",
    "skipped",
    "training_curves",
]

# Six hues of about equal weight on white; neighbours in the text never look alike.
_HUES = np.array([to_rgb(c) for c in ("#1f5fbf", "#d1491b", "#178a4c", "#a5309a", "#b07b00", "#0b8a9e")])
_END_COLOR = np.array(to_rgb("#555555"))
_GREY = "#777777"


# ---- attention -----------------------------------------------------------------------------------


def attention_shares(window: np.ndarray) -> np.ndarray:
    """Each point's attention as shares: rows sum to 1, or less where the window had all but faded.

    The window's weights are not normalised, so a tenth of their median total counts as faded.

    Args:
        window: phi, (T, U + 1), not negative.

    Returns:
        (T, U + 1) float64.
    """
    window = np.asarray(window, np.float64)
    total = window.sum(axis=1)
    floor = max(0.1 * float(np.median(total)), np.finfo(np.float64).tiny) if len(total) else 1.0
    return window / np.maximum(total, floor)[:, None]


def attention_columns(weights: np.ndarray, ink: Ink, edges: np.ndarray, spread: float = 0.0) -> np.ndarray:
    """Attention over bins of the ink's own x: in each bin the strongest of what was drawn there.

    Point t stands for the bins that the pen crossed on its way to it, from the point before in its stroke.

    Args:
        weights: (T, C), a row for each point of the ink, not negative.
        ink: T points.
        edges: (B + 1,), ascending and evenly spaced, around the ink.
        spread: half of the pen's width, in units of the ink; widens every mark, so that dots show.

    Returns:
        (B, C) float64, nan in bins without ink.

    Raises:
        ValueError: weights has another number of rows than the ink has points.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 2 or len(weights) != ink.point_count:
        raise ValueError(f"weights have shape {weights.shape}; the ink has {ink.point_count} points")
    bins = len(edges) - 1
    columns = np.full((bins, weights.shape[1]), np.nan)
    if not len(weights):
        return columns
    x = ink.points[:, 0].astype(np.float64)
    before = np.concatenate([np.concatenate([s[:1, 0], s[:-1, 0]]) for s in ink.strokes]).astype(np.float64)
    reach = np.stack([np.minimum(x, before) - spread, np.maximum(x, before) + spread])
    cell = (reach - edges[0]) / (edges[1] - edges[0])
    low, high = np.clip(np.floor(cell).astype(int), 0, bins - 1)
    count = high - low + 1
    point = np.repeat(np.arange(len(x)), count)
    first = np.cumsum(count) - count
    np.fmax.at(columns, low[point] + np.arange(len(point)) - first[point], weights[point])
    return columns


def skipped(text: str, window: np.ndarray) -> list[int]:
    """Positions of characters that never had the most attention, nor a quarter of it.

    Spaces draw no ink and do not count.
    """
    shares = attention_shares(window)
    attended = shares.max(axis=0, initial=0.0) >= 0.25
    attended[shares.argmax(axis=1)] = True
    return [u for u, character in enumerate(text) if not attended[u] and not character.isspace()]


def attention_heatmap(text: str, window: np.ndarray, ink: Ink, path: str | os.PathLike[str]) -> None:
    """A picture of the window over the text, above the ink that was drawn meanwhile.

    A row is a character, a column is a place along the ink, and the deeper the row's colour, the larger
    its share of the attention. Ink has the colour of the character attended most, which stands above it.
    Late dots and crossbars put a second mark in the columns of the letter that they belong to.
    The row of a character that was skipped is struck out.

    Args:
        text: U characters.
        window: phi, (T, U + 1); the last column is the position past the end of the text.
        ink: T points, in the same order, level, in heights of the line (deviations of y).
        path: .png, or another suffix that matplotlib can write.

    Raises:
        InputError: the text or the ink is empty, or the path cannot be written.
        ValueError: the shapes do not go together.
    """
    window = np.asarray(window, np.float64)
    if window.shape != (ink.point_count, len(text) + 1):
        raise ValueError(
            f"window has shape {window.shape}; {ink.point_count} points and {len(text)} characters"
            f" need {(ink.point_count, len(text) + 1)}"
        )
    if not text or not ink.strokes:
        raise InputError("a heatmap needs a text and ink; give a text with something to write in it")

    x0, y0, x1, y1 = ink.bounds
    pad = 0.02 * (x1 - x0) + 0.3
    x0, x1 = x0 - pad, x1 + pad
    # Inches. A row is as high as its label needs; the ink is never stretched.
    row, left, right, top, middle, bottom = 0.165, 0.5, 0.75, 0.4, 0.3, 0.2
    width = float(np.clip(0.21 * len(text), 3.5, 60.0))
    heat_height = row * (len(text) + 1)
    ink_height = float(np.clip((y1 - y0 + 1.2) * width / (x1 - x0), 0.4, 4.0))
    figure, size = _figure(left + width + right, top + heat_height + middle + ink_height + bottom)
    heat = figure.add_axes(_box(size, left, bottom + ink_height + middle, width, heat_height))
    page = figure.add_axes(_box(size, left, bottom, width, ink_height))

    colors = np.concatenate([_HUES[np.arange(len(text)) % len(_HUES)], _END_COLOR[None]])
    shares = attention_shares(window)
    best = shares.argmax(axis=1)
    missing = skipped(text, window)
    edges = np.linspace(x0, x1, round(width * 120) + 1)
    columns = attention_columns(shares, ink, edges, spread=0.015 * (x1 - x0) / width)
    heat.imshow(
        _heat_image(columns, colors),
        aspect="auto",
        interpolation="nearest",
        extent=(x0, x1, len(text) + 0.5, -0.5),
    )
    heat.spines[:].set_visible(False)
    heat.tick_params(length=0)
    heat.set(xticks=[], yticks=range(len(text) + 1))
    heat.set_yticklabels([*map(_glyph, text), "end"], fontsize=9, parse_math=False)
    heat.set_title(_one_line(text), fontsize=10, loc="left", color="#222222", parse_math=False)
    heat.tick_params(labelright=True)
    for u, tick in enumerate(heat.yaxis.get_major_ticks()):
        tick.label1.set_color("#aaaaaa" if u in missing else colors[u])
        tick.label2.set_color("#aaaaaa" if u in missing else colors[u])
    for u in missing:
        heat.axhline(u, color="#aaaaaa", linewidth=0.8, linestyle=(0, (2, 2)))
        heat.annotate(
            "skipped",
            (1, u),
            xycoords=("axes fraction", "data"),
            xytext=(18, 0),
            textcoords="offset points",
            fontsize=7,
            color="#999999",
            va="center",
        )

    segments, owner = _curve_segments(ink)
    ink_colors = colors[best[owner]]
    page.add_collection(LineCollection(segments, colors=ink_colors, linewidths=1.5, capstyle="round"))
    page.set(xlim=(x0, x1), ylim=(y1 + 0.6, y0 - 0.6))
    page.set_axis_off()
    named = [u for u in range(len(text)) if u not in missing]
    places = _ink_places(ink.points[:, 0], shares, named)
    label_places = _apart(places, 0.11 * (x1 - x0) / width)
    foot = len(text) + 0.5
    bends = zip(named, places, label_places, strict=True)
    guides = [[(place, u), (place, foot - 0.3), (label, foot)] for u, place, label in bends]
    heat.add_collection(LineCollection(guides, colors=colors[named], linewidths=0.5, alpha=0.3))
    for u, place in zip(named, label_places, strict=True):
        heat.annotate(
            _glyph(text[u]),
            (place, foot),
            xytext=(0, -72 * middle / 2),
            textcoords="offset points",
            color=colors[u],
            fontsize=9,
            ha="center",
            va="center",
            parse_math=False,
            annotation_clip=False,
        )
    _save(figure, path)


def _heat_image(columns: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Columns (B, C) as an image (C, B, 3) uint8, each row in its own colour (C, 3), on faint bands."""
    strength = np.nan_to_num(columns)
    most = strength.max(axis=1)
    full = float(np.percentile(most[most > 0], 75)) if (most > 0).any() else 1.0
    strength = np.clip(strength / full, 0, 1).T[..., None] ** 0.8
    bands = np.where(np.arange(len(colors)) % 2, 1.0, 0.965)[:, None, None]
    return np.uint8(255 * (bands * (1 - strength) + colors[:, None, :] * strength) + 0.5)


def _ink_places(x: np.ndarray, shares: np.ndarray, characters: Sequence[int]) -> np.ndarray:
    """The middle of the ink that each character drew, or where it came closest to drawing some."""
    best = shares.argmax(axis=1)
    places = []
    for u in characters:
        drawn = np.sort(x[best == u])
        places.append(drawn[len(drawn) // 2] if len(drawn) else x[shares[:, u].argmax()])
    return np.array(places, np.float64)


def _apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Places moved as little as need be so that no two are nearer than gap, in the same order."""
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    level = places[order] - steps
    right = np.maximum.accumulate(level)
    left = np.minimum.accumulate(level[::-1])[::-1]
    moved = np.empty_like(places)
    moved[order] = (left + right) / 2 + steps
    return moved


def _curve_segments(ink: Ink, steps: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    """Polylines along the curve, one that leads to each point, and the points' indices; dots stay dots."""
    u = np.linspace(0, 1, steps + 1)[:, None]
    basis = np.concatenate([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3], axis=1)
    segments: list[np.ndarray] = []
    owner: list[int] = []
    start = 0
    for stroke in ink.strokes:
        if len(stroke) == 1:
            segments.append(np.repeat(stroke, 2, axis=0))
            owner.append(start)
        segments.extend(basis @ smooth(stroke))
        owner.extend(range(start + 1, start + len(stroke)))
        start += len(stroke)
    return segments, np.array(owner)


def _glyph(character: str) -> str:
    return "\u2423" if character.isspace() else character


# ---- training ------------------------------------------------------------------------------------


def read_metrics(source: str | os.PathLike[str] | Iterable[Mapping]) -> list[dict]:
    """The rows of a JSONL log of training, or rows given as they are.

    A last line that was cut off is dropped. Where a run was resumed from an older step, the rows that it
    wrote again replace the first ones.

    Raises:
        InputError: the file cannot be read, or another line is not a JSON object.
    """
    if not isinstance(source, str | os.PathLike):
        rows = [dict(row) for row in source]
    else:
        try:
            lines = Path(source).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as e:
            raise InputError(f"{source}: cannot be read ({e.strerror}); give a run's log") from None
        rows = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError
            except ValueError:
                if number == len(lines):
                    break
                raise InputError(f"{source}: line {number} is not a JSON object; give a run's log") from None
            rows.append(row)
    latest = {(row.get("event"), row.get("step", -1 - i)): row for i, row in enumerate(rows)}
    return sorted(latest.values(), key=lambda row: row.get("step", -1))


def training_curves(source: str | os.PathLike[str] | Iterable[Mapping], path: str | os.PathLike[str]) -> None:
    """Loss on the training and validation data, learning rate and gradient norm over epochs and hours.

    Args:
        source: a JSONL log, or its rows, with "event" of "train" or "validation"; see `read_metrics`.
        path: .png, or another suffix that matplotlib can write.

    Raises:
        InputError: the log cannot be read or has no rows to draw, or the path cannot be written.
    """
    rows = read_metrics(source)
    epoch, loss = _series(rows, "train", "loss")
    checked, nats = _series(rows, "validation", "nats_per_point")
    if not len(epoch) and not len(checked):
        raise InputError("the log holds no rows of training or validation yet; wait for the first ones")

    figure, _ = _figure(9.0, 6.2)
    grid = figure.add_gridspec(
        3, 1, height_ratios=(6, 1.2, 1.2), hspace=0.16, left=0.105, right=0.97, top=0.9, bottom=0.085
    )
    main = figure.add_subplot(grid[0])
    rate, norm = (figure.add_subplot(grid[i], sharex=main) for i in (1, 2))

    if len(epoch):
        _faint_and_smooth(main, epoch, loss, "#1f5fbf", "training")
    if len(checked):
        best = int(nats.argmin())
        value = f"{nats[best]:.4f}".replace("-", "\N{MINUS SIGN}")
        name = f"validation (best {value} at epoch {checked[best]:.2f})"
        main.plot(checked, nats, "o-", color="#d1491b", markersize=3, linewidth=1.4, label=name)
        main.plot(checked[best], nats[best], "o", color="#d1491b", markersize=9, fillstyle="none")
    main.set_ylim(*_loss_limits(loss, nats))
    main.set_ylabel("nats per point")
    main.legend(frameon=False, loc="upper right", fontsize=9)

    at, values = _series(rows, "train", "learning_rate")
    rate.plot(at, values, color="#178a4c", linewidth=1.4, marker=_marker(at))
    rate.set_ylabel("learning\nrate", fontsize=8)
    rate.set_ylim(0, 1.15 * values.max(initial=0.0) or 1.0)
    at, values = _series(rows, "train", "gradient_norm")
    if len(values):
        _faint_and_smooth(norm, at, values, "#a5309a")
        norm.set_ylim(0, 1.15 * float(np.percentile(values, 99)) or 1.0)
    norm.set_ylabel("gradient\nnorm", fontsize=8)
    norm.set_xlabel("epochs")

    for axes in (main, rate, norm):
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.yaxis.set_label_coords(-0.075, 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(8 if axes is main else 3))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}".replace("-", "\N{MINUS SIGN}"))
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, labelbottom=axes is norm)
        axes.spines[["top", "right"]].set_visible(False)
    last = max(epoch.max(initial=0.0), checked.max(initial=0.0))
    main.set_xlim(0, last or 1.0)
    _hours(main, rows)
    _save(figure, path)


def _faint_and_smooth(axes: Axes, x: np.ndarray, y: np.ndarray, color: str, label: str | None = None) -> None:
    axes.plot(x, y, color=color, linewidth=0.6, alpha=0.28)
    axes.plot(x, _moving_mean(y), color=color, linewidth=1.5, marker=_marker(x), label=label)


def _marker(x: np.ndarray) -> str:
    """A line through one or two points cannot be seen without."""
    return "." if len(x) < 3 else ""


def _series(rows: list[dict], event: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values of the rows of one event that hold a finite value."""
    pairs = [
        (row["epoch"], row[key])
        for row in rows
        if row.get("event") == event and _finite(row.get("epoch")) and _finite(row.get(key))
    ]
    x, y = np.array(pairs, np.float64).reshape(-1, 2).T
    return x, y


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _moving_mean(values: np.ndarray) -> np.ndarray:
    """A centred mean over about a fortieth of the values, over fewer at both ends."""
    half = len(values) // 80
    if half == 0:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    i = np.arange(len(values))
    low, high = np.maximum(i - half, 0), np.minimum(i + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def _loss_limits(loss: np.ndarray, nats: np.ndarray) -> tuple[float, float]:
    """Limits that show all of validation and all but the steep first fall and the spikes of training."""
    smoothed = _moving_mean(loss)
    low = min(smoothed.min(initial=np.inf), nats.min(initial=np.inf))
    high = nats.max(initial=-np.inf)
    if len(smoothed):
        high = max(float(np.percentile(smoothed, 97)), min(high, float(smoothed.max())))
    space = 0.08 * (high - low) or 0.1
    return low - 1.5 * space, high + space


def _hours(axes: Axes, rows: list[dict]) -> None:
    """A second axis above with the time spent on training so far."""
    pairs = [(row.get("seconds"), row.get("epoch")) for row in rows]
    pairs = sorted((seconds / 3600, epoch) for seconds, epoch in pairs if _finite(seconds) and _finite(epoch))
    if not pairs:
        return
    time, epochs = np.array([(0.0, 0.0), *pairs]).T
    unit = "hours"
    if time[-1] < 2:
        time, unit = time * 60, "minutes"
    start = time[epochs <= epochs[0]].max()  # what went by before the first step
    ticks = MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(0, time[-1])
    ticks = ticks[(ticks >= start) & (ticks <= time[-1])]
    above = axes.twiny()
    above.set_xlim(axes.get_xlim())
    above.set_xticks(np.interp(ticks, time, np.maximum.accumulate(epochs)), [f"{t:g}" for t in ticks])
    above.tick_params(labelsize=8, color=_GREY, labelcolor=_GREY)
    above.set_xlabel(unit, color=_GREY, fontsize=9)
    above.spines[["left", "right", "bottom"]].set_visible(False)
    above.spines["top"].set_color("#cccccc")


# ---- samples -------------------------------------------------------------------------------------


def samples_sheet(lines: Sequence[tuple[str, Ink]], path: str | os.PathLike[str], title: str = "") -> None:
    """A sheet of lines of ink, all to the same scale, each under its text.

    Args:
        lines: text and ink, in any one unit.
        path: .png, or another suffix that matplotlib can write.
        title: a heading.

    Raises:
        InputError: there are no lines, or the path cannot be written.
    """
    if not lines:
        raise InputError("there are no lines to draw; give at least one")
    bounds = [ink.bounds if ink.strokes else (0.0, 0.0, 1.0, 0.0) for _, ink in lines]
    widest = max(b[2] - b[0] for b in bounds) or 1.0
    tallest = max(b[3] - b[1] for b in bounds)
    # Inches. A unit is never so large that one short line fills the sheet.
    width, edge, caption, gap, head = 10.0, 0.25, 0.2, 0.14, 0.45 if title else 0.15
    unit = min((width - 2 * edge) / widest, 0.25, 3.0 / max(tallest, 1e-9))
    heights = [(b[3] - b[1]) * unit for b in bounds]
    total = head + sum(heights) + len(lines) * (caption + gap) + 0.1
    figure, size = _figure(width, total)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
    axes.set_axis_off()
    if title:
        axes.text(edge, 0.15, title, fontsize=11, color="#222222", va="top", parse_math=False)
    y = head
    curves = []
    for (text, ink), (x0, y0, _, _), height in zip(lines, bounds, heights, strict=True):
        label = _one_line(text) if ink.strokes else f"{_one_line(text)}  (no ink)"
        axes.text(edge, y, label, fontsize=7.5, color=_GREY, va="top", parse_math=False)
        y += caption
        for stroke in ink.strokes:
            curve = (flatten(stroke, 0.005 / unit) - (x0, y0)) * unit + (edge, y)
            curves.append(curve if len(curve) > 1 else np.repeat(curve, 2, axis=0))
        y += height + gap
    axes.add_collection(
        LineCollection(curves, colors="#111111", linewidths=1.1, capstyle="round", joinstyle="round")
    )
    _save(figure, path)


# ---- shared --------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> tuple[Figure, tuple[float, float]]:
    """A figure with an Agg canvas, and its size in inches."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure, (width, height)


def _box(
    size: tuple[float, float], left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """A rectangle in inches as fractions of the figure."""
    return left / size[0], bottom / size[1], width / size[0], height / size[1]


def _one_line(text: str, length: int = 160) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _save(figure: Figure, path: str | os.PathLike[str], dpi: float = 150) -> None:
    suffixes = figure.canvas.get_supported_filetypes()
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in suffixes:
        raise InputError(f"{path}: figures have no format {suffix!r}; end the name in .png, .svg or .pdf")
    with atomic_path(path) as tmp:
        figure.savefig(tmp, dpi=dpi, format=suffix)
