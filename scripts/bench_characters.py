"""How fast the conditional VAE trains: our loop against the obvious one over a DataLoader, by turns in one run.

    python scripts/bench_characters.py [--steps 200] [--repeats 5] [--threads N] [--json]

Both take the same steps (128 images, forward, backward, Adam) on 60,000 made-up images. The obvious loop keeps them as
a Dataset that turns each 8-bit image into a tensor when it is asked for, as tutorials do.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from strokes.characters.data import CharacterSet
from strokes.characters.kinds.cvae import ConditionalVAE
from strokes.characters.training import default_config, train
from strokes.runs.hardware import cores

_IMAGES, _BATCH = 60_000, 128


class _Items(Dataset):
    """One image at a time, as MNIST's usual Dataset gives them."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(self.images[i]).float().div(255)[None], int(self.labels[i])


def _obvious(images: np.ndarray, labels: np.ndarray, steps: int) -> float:
    """Images a second."""
    torch.manual_seed(1)
    network = ConditionalVAE(10)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    batches = iter(DataLoader(_Items(images, labels), _BATCH, shuffle=True))
    next(batches)
    started = time.perf_counter()
    for _ in range(steps):
        x, y = next(batches)
        posterior = network.posterior(x, y)
        drawn = torch.sigmoid(network.pixel_logits(y, posterior.sample()))
        pixels = F.binary_cross_entropy(drawn, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + posterior.log_var - posterior.mean.pow(2) - posterior.log_var.exp())
        loss = (pixels + kl) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    return steps * _BATCH / (time.perf_counter() - started)


def _ours(characters: CharacterSet, steps: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        result = train("cvae", characters, Path(folder), default_config("cvae"), stop_after=steps)
    return steps * _BATCH / result.seconds


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: one a core")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    args = parser.parse_args()
    torch.set_num_threads(args.threads or cores())
    rng = np.random.default_rng(0)
    images = (rng.random((_IMAGES, 28, 28)) < 0.15).astype(np.uint8) * 255
    labels = rng.integers(0, 10, _IMAGES)
    characters = CharacterSet(
        images, labels, "0123456789", np.zeros(_IMAGES, np.uint8), ("made up",), np.zeros(_IMAGES, np.uint16)
    )
    ways = {
        "dataloader": lambda: _obvious(images, labels, args.steps),
        "ours": lambda: _ours(characters, args.steps),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(args.repeats + 1):
        for name, way in ways.items():
            rate = way()
            if turn:  # the first warms up
                rates[name].append(rate)
                if not args.json:
                    print(f"{name}: {rate:,.0f} images/s", file=sys.stderr)
    result: dict = {
        name: {
            "images_per_second": {"min": min(r), "median": statistics.median(r), "max": max(r)},
            "minutes_for_100_epochs_of_mnist": 100 * _IMAGES / statistics.median(r) / 60,
        }
        for name, r in rates.items()
    }
    result |= {
        "ratio": statistics.median(rates["ours"]) / statistics.median(rates["dataloader"]),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if args.json:
        print(json.dumps(result))
    else:
        for name in ways:
            of = result[name]
            print(
                f"{name:<11} {of['images_per_second']['median']:>9,.0f} images/s "
                f"({of['images_per_second']['min']:,.0f} to {of['images_per_second']['max']:,.0f}), "
                f"100 epochs of MNIST in {of['minutes_for_100_epochs_of_mnist']:.1f} min"
            )
        print(f"ours / dataloader: {result['ratio']:.2f}, {result['threads']} threads")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
