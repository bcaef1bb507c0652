"""Training curves: loss, learning rate and gradient norm from a run's metrics.jsonl."""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from ..documents import convert, decode_json
from ..files import InputError
from .canvas import GREY, HUES, Axes, Figure, MaxNLocator, new_figure, save

__all__ = ["MetricsRow", "read_metrics", "training_curves"]

_Value = Annotated[float, Meta(ge=-1e30, le=1e30)]
_Positive = Annotated[float, Meta(ge=0, le=1e30)]


@dataclass(frozen=True)
class MetricsRow:
    """What the curves need of one row of metrics.jsonl; other fields of the row are left aside.

    Args:
        event: "train", "validation" or another.
        step: optimiser steps so far.
        epoch: epochs so far, with fractions.
        seconds: time spent on training so far.
        loss: mean training loss since the row before, in nats per point.
        nats_per_point: validation loss.
        learning_rate: of the last step.
        gradient_norm: mean norm before clipping since the row before.
    """

    event: Annotated[str, Meta(max_length=100)]
    step: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    epoch: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    seconds: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    loss: _Value | None = None
    nats_per_point: _Value | None = None
    learning_rate: _Positive | None = None
    gradient_norm: _Positive | None = None


def read_metrics(source: str | os.PathLike[str] | Iterable[Mapping[str, object]]) -> list[MetricsRow]:
    """The rows of a run's metrics.jsonl, or rows given as they are, in the order of their steps.

    A last line that was cut off is dropped, and a value that is not finite is None. Where a run was resumed
    from an earlier step, the rows that it wrote again replace the first ones.

    Raises:
        InputError: the file cannot be read, or a row is not of the types and ranges of `MetricsRow`.
    """
    if isinstance(source, str | os.PathLike):
        rows = _read_rows(Path(source))
    else:
        rows = [convert(_finite_values(row), MetricsRow, f"row {n}") for n, row in enumerate(source, 1)]
    latest = {
        (row.event, row.step if row.step is not None else -1 - place): row for place, row in enumerate(rows)
    }
    return sorted(latest.values(), key=lambda row: -1 if row.step is None else row.step)


def training_curves(
    source: str | os.PathLike[str] | Iterable[Mapping[str, object]], path: str | os.PathLike[str]
) -> None:
    """Loss on the training and validation data, learning rate and gradient norm over epochs and hours.

    Args:
        source: a run's metrics.jsonl, or its rows; see `read_metrics`.
        path: .png, or another suffix that matplotlib can write.

    Raises:
        InputError: the log cannot be read or has no finite loss to draw, or the path cannot be written.
    """
    rows = read_metrics(source)
    epoch, loss = _series(rows, "train", "loss")
    checked, nats = _series(rows, "validation", "nats_per_point")
    if not len(epoch) and not len(checked):
        raise InputError(_why_nothing(rows))

    figure = new_figure(9.0, 6.2)
    main, rate, norm = _panels(figure)
    if len(epoch):
        _faint_and_smooth(main, epoch, loss, HUES[0], "training")
    if len(checked):
        _validation(main, checked, nats)
    main.set_ylim(*_loss_limits(loss, nats))
    main.set_ylabel("nats per point")
    main.legend(frameon=False, loc="upper right", fontsize=9)

    at, values = _series(rows, "train", "learning_rate")
    rate.plot(at, values, color=HUES[2], linewidth=1.4, marker=_marker(at))
    rate.set_ylabel("learning\nrate", fontsize=8)
    rate.set_ylim(0, 1.15 * values.max(initial=0.0) or 1.0)

    at, values = _series(rows, "train", "gradient_norm")
    if len(values):
        _faint_and_smooth(norm, at, values, HUES[3])
        norm.set_ylim(0, 1.15 * float(np.percentile(values, 99)) or 1.0)
    norm.set_ylabel("gradient\nnorm", fontsize=8)
    norm.set_xlabel("epochs")

    main.set_xlim(0, max(epoch.max(initial=0.0), checked.max(initial=0.0)) or 1.0)
    _hours(main, rows)
    save(figure, path)


def _read_rows(path: Path) -> list[MetricsRow]:
    try:
        *lines, last = path.read_bytes().split(b"\n")
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror}); give a run's log") from None
    rows = [_decode(line, f"{path}: line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    with contextlib.suppress(InputError):  # cut off while it was written
        rows += [_decode(last, str(path))] if last.strip() else []
    return rows


def _decode(line: bytes, where: str) -> MetricsRow:
    # The json module writes NaN and Infinity, which JSON has not.
    return decode_json(re.sub(rb":\s*(NaN|-?Infinity)\b", b":null", line), MetricsRow, where)


def _finite_values(row: Mapping[str, object]) -> dict[str, object]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _why_nothing(rows: list[MetricsRow]) -> str:
    if any(row.event in ("train", "validation", "diverged") for row in rows):
        return (
            "the training diverged before its first row: no loss in the log is a finite number; "
            "lower --learning-rate or --clip and start again"
        )
    return (
        "the log holds no rows of training or validation; the first is written after 20 steps, and none at all "
        "if the training stops or diverges before that"
    )


def _panels(figure: Figure) -> tuple[Axes, Axes, Axes]:
    """Axes for the loss, the learning rate and the gradient norm, one below another."""
    grid = figure.add_gridspec(
        3, 1, height_ratios=(6, 1.2, 1.2), hspace=0.16, left=0.105, right=0.97, top=0.9, bottom=0.085
    )
    main = figure.add_subplot(grid[0])
    rate, norm = (figure.add_subplot(grid[i], sharex=main) for i in (1, 2))
    for axes in (main, rate, norm):
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.yaxis.set_label_coords(-0.075, 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(8 if axes is main else 3))
        axes.yaxis.set_major_formatter(lambda value, _: _with_minus(f"{value:.4g}"))
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8, labelbottom=axes is norm)
        axes.spines[["top", "right"]].set_visible(False)
    return main, rate, norm


def _validation(axes: Axes, epochs: np.ndarray, nats: np.ndarray) -> None:
    best = int(nats.argmin())
    name = f"validation (best {_with_minus(f'{nats[best]:.4f}')} at epoch {epochs[best]:.2f})"
    axes.plot(epochs, nats, "o-", color=HUES[1], markersize=3, linewidth=1.4, label=name)
    axes.plot(epochs[best], nats[best], "o", color=HUES[1], markersize=9, fillstyle="none")


def _with_minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def _faint_and_smooth(axes: Axes, x: np.ndarray, y: np.ndarray, color: str, label: str | None = None) -> None:
    axes.plot(x, y, color=color, linewidth=0.6, alpha=0.28)
    axes.plot(x, _moving_mean(y), color=color, linewidth=1.5, marker=_marker(x), label=label)


def _marker(x: np.ndarray) -> str:
    """A line through one or two points cannot be seen without."""
    return "." if len(x) < 3 else ""


def _series(rows: list[MetricsRow], event: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values of the rows of one event that hold both."""
    pairs = [(row.epoch, getattr(row, key)) for row in rows if row.event == event]
    x, y = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2).T
    return x, y


def _moving_mean(values: np.ndarray) -> np.ndarray:
    """A centred mean over about a fortieth of the values, over fewer at both ends."""
    half = len(values) // 80
    if half == 0:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    i = np.arange(len(values))
    low, high = np.maximum(i - half, 0), np.minimum(i + half + 1, len(values))
    return np.asarray((total[high] - total[low]) / (high - low))


def _loss_limits(loss: np.ndarray, nats: np.ndarray) -> tuple[float, float]:
    """Limits that show all of validation and all but the steep first fall and the spikes of training."""
    smoothed = _moving_mean(loss)
    low = float(min(smoothed.min(initial=np.inf), nats.min(initial=np.inf)))
    high = float(nats.max(initial=-np.inf))
    if len(smoothed):
        high = max(float(np.percentile(smoothed, 97)), min(high, float(smoothed.max())))
    space = 0.08 * (high - low) or 0.1
    return low - 1.5 * space, high + space


def _hours(axes: Axes, rows: list[MetricsRow]) -> None:
    """A second axis above with the time spent on training so far."""
    pairs = sorted(
        (row.seconds / 3600, row.epoch) for row in rows if row.seconds is not None and row.epoch is not None
    )
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
    above.tick_params(labelsize=8, color=GREY, labelcolor=GREY)
    above.set_xlabel(unit, color=GREY, fontsize=9)
    above.spines[["left", "right", "bottom"]].set_visible(False)
    above.spines["top"].set_color("#cccccc")
