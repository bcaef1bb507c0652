"""Network, averaged weights and optimiser of one process, and their steps of gradient descent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..network import RecurrentState, StrokeNetwork
from ..network.cuda_graphs import GRAPH_STEPS
from ..runs.averaging import averaged
from ..runs.hardware import check_memory, compute_dtype
from ..runs.processes import Group
from ..runs.run import Run
from ..runs.seeds import derived_seed
from ..runs.state import restore_state, state_tensors
from .batches import Chunk, chunks
from .config import TrainingConfig
from .lines import SharedBatch
from .optimisers import make_optimizer, noisy
from .progress import Means, PenProgress, Plan

__all__ = ["Trainer"]

# Steps between two rows of the log.
_LOG_EVERY = 20


class Trainer:
    """Network, averaged weights and optimiser of one process.

    Args:
        symbols: of the alphabet.
        config: the settings.
        group: this process among its like.

    Raises:
        InputError: training the network would not fit in memory.
    """

    def __init__(self, symbols: int, config: TrainingConfig, group: Group) -> None:
        check_memory(lambda: StrokeNetwork(symbols, config.network), group.device, group.on_device)
        self.config, self.group = config, group
        self.dtype = compute_dtype(config.precision, group.device)
        self.network = StrokeNetwork(symbols, config.network).to(group.device)
        self.mean = averaged(self.network, config.ema)
        self.parameters = list(self.network.parameters())
        self.optimizer = make_optimizer(config, self.parameters)

    @property
    def averaged_network(self) -> StrokeNetwork:
        """The network with the averaged weights, which are validated and packaged."""
        network = self.mean.module
        assert isinstance(network, StrokeNetwork)
        return network

    def begin_with(self, weights: Mapping[str, np.ndarray]) -> None:
        """Begin with the weights of a model."""
        given = {k: torch.from_numpy(v) for k, v in weights.items()}
        # The weights of a style are zeros at first: a model without styles goes on as it was.
        styles = {k: v for k, v in self.network.state_dict().items() if k.endswith("_style")}
        self.network.load_state_dict(styles | given)
        self.averaged_network.load_state_dict(self.network.state_dict())

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """What a checkpoint keeps."""
        return state_tensors(self.network, self.mean, [self.optimizer])

    def restore(self, run: Path, tensors: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from the tensors of a checkpoint.

        Raises:
            InputError: they are of another network.
        """
        restore_state(run, tensors, self.network, self.mean, [self.optimizer])

    def read(self, batch: SharedBatch, run: Run[PenProgress], plan: Plan, means: Means) -> None:
        """Read a batch chunk by chunk, one step of truncated back-propagation through time each.

        The state of the network is carried from chunk to chunk. A step whose gradient is not finite changes nothing;
        it may have spoilt the state, so the rest of the batch is left out.

        Raises:
            DivergedError: too many steps in a row had no finite gradient.
        """
        config, progress, device = self.config, run.progress, self.group.device
        regularised = plan.regularised(progress)
        dropout, noise = (config.dropout, config.weight_noise) if regularised else (0.0, 0.0)
        torch.manual_seed(derived_seed(*batch.key, self.group.rank))
        generators = self._generators(batch) if dropout else None
        text = self.network.encode(batch.lines.text.to(device), batch.lines.text_lengths.to(device))
        state: RecurrentState | None = None
        start = 0
        for chunk in chunks(batch.lines, config.chunk, int(batch.lengths.max()), self._multiple):
            points = batch.points_between(start, start + chunk.inputs.shape[1])
            start += chunk.inputs.shape[1]
            rate = plan.learning_rate(progress)
            for parameters in self.optimizer.param_groups:
                parameters["lr"] = rate
            with noisy(self.parameters, noise, (config.seed, progress.step)):
                loss, state = self._loss(chunk, batch, text, state, points, dropout, generators)
                self.optimizer.zero_grad(set_to_none=True)
                loss.backward()
            total, norm = self._clipped_gradient(loss)
            finite = math.isfinite(total) and math.isfinite(norm)
            if finite:
                self.optimizer.step()
                self.mean.update_parameters(self.network)
                means.add(total, norm, points)
            progress.points += points
            run.count_step(finite)
            run.advance(points)
            if progress.step % _LOG_EVERY == 0:
                _log(run, plan, means, rate)
            if not finite:
                break

    def _loss(
        self,
        chunk: Chunk,
        batch: SharedBatch,
        text: Tensor,
        state: RecurrentState | None,
        points: int,
        dropout: float,
        generators: Sequence[torch.Generator] | None,
    ) -> tuple[Tensor, RecurrentState]:
        """This process's share of the mean log-loss over `points` points, and the state after the chunk."""
        device = self.group.device
        inputs, targets = chunk.inputs.to(device), chunk.targets.to(device)
        mask = (chunk.mask & batch.counts).to(device)
        style = None if batch.lines.style is None else batch.lines.style.to(device)
        out = self.network(
            inputs, text, state, dtype=self.dtype, dropout=dropout, generators=generators, style=style
        )
        log_prob = self.network.mixture(out.outputs).log_prob(targets)
        return -torch.where(mask, log_prob, 0).sum() / points, out.state.detach()

    def _clipped_gradient(self, loss: Tensor) -> tuple[float, float]:
        """Sum the gradient over all processes and clip it; the loss of all, and the gradient's norm before."""
        total = loss.detach().view(1).clone()
        self.group.sum_gradients(self.parameters, total)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        # The one place where a step waits for the device.
        values: list[float] = torch.cat([total, norm.detach().view(1)]).tolist()
        return values[0], values[1]

    def _generators(self, batch: SharedBatch) -> list[torch.Generator] | None:
        """A generator a line, so that its dropout does not depend on which process reads it.

        None on a GPU, which draws for all lines at once.
        """
        if self.group.device.type != "cpu":
            return None
        return [torch.Generator().manual_seed(derived_seed(*batch.key, row)) for row in batch.rows]

    @property
    def _multiple(self) -> int:
        """What the length of a chunk is a multiple of."""
        return GRAPH_STEPS if self.group.device.type == "cuda" else 1


def _log(run: Run[PenProgress], plan: Plan, means: Means, rate: float) -> None:
    if run.group.first:
        values = means.take(run.seconds)
        run.log(
            "train", **plan.place(run.progress), learning_rate=rate, skipped=run.progress.skipped, **values
        )
        if values["loss"] is not None:
            run.note(f"{values['loss']:.3f} nats/pt")
