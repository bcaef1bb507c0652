"""Figures: the attention window, training curves and sheets of samples. No torch, no pyplot."""

from .attention import attention_columns, attention_heatmap, attention_shares, skipped
from .canvas import check_figure
from .legibility import legibility_figure
from .samples import samples_sheet
from .training import MetricsRow, read_metrics, training_curves

__all__ = [
    "MetricsRow",
    "attention_columns",
    "attention_heatmap",
    "attention_shares",
    "check_figure",
    "legibility_figure",
    "read_metrics",
    "samples_sheet",
    "skipped",
    "training_curves",
]
