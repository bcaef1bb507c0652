"""What every kind of character model knows about itself, and how it takes one training step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from ..config import CharacterTrainingConfig, Sizes

__all__ = ["Autocast", "Batch", "CharacterNetwork", "DrawingNetwork", "adam", "descend", "to_floats"]

Config = TypeVar("Config", bound=CharacterTrainingConfig)

#: Makes the context in which losses are computed, for example in bfloat16.
Autocast = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Batch:
    """Images (N, 1, 28, 28) in 0..1 and their labels (N,), -1 where unknown."""

    images: Tensor
    labels: Tensor


class CharacterNetwork(nn.Module, ABC, Generic[Config]):
    """A network of one kind.

    A kind is a subclass in a module of its own, entered in `kinds.KINDS`: it says what it is in class
    attributes, has a dataclass of `Sizes` and one of training settings, and computes its losses.
    `training_step` does the rest for a network with one optimizer.

    Attributes:
        name: of the kind, on the command line and in config.json.
        description: one line for the list of kinds.
        draws: it is a `DrawingNetwork`.
        on_demand: it draws the class that is asked for.
        classifies: `network(images)` is the logits of the classes, (N, classes).
        imitates: the posterior of its latent variable needs no label, so that style can be read from any image.
        learns_unlabelled: it can be trained on images without a label.
        memory_format: of the weights while it is trained.
        sizes_type: its dataclass of sizes.
        classes: the number of classes.
        sizes: an instance of `sizes_type`.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    draws: ClassVar[bool] = False
    on_demand: ClassVar[bool] = False
    classifies: ClassVar[bool] = False
    imitates: ClassVar[bool] = False
    learns_unlabelled: ClassVar[bool] = False
    memory_format: ClassVar[torch.memory_format] = torch.contiguous_format
    sizes_type: ClassVar[type[Sizes]]

    def __init__(self, classes: int, sizes: Sizes) -> None:
        super().__init__()
        self.classes = classes
        self.sizes = sizes

    @classmethod
    @abstractmethod
    def default_config(cls) -> Config:
        """Training settings that suit this kind."""

    def training_losses(self, batch: Batch, generator: torch.Generator, config: Config) -> dict[str, Tensor]:
        """What to minimise ("loss"), and what to watch: means over the batch; of a kind with one optimizer."""
        raise NotImplementedError

    def validation_losses(
        self, batch: Batch, generator: torch.Generator, config: Config
    ) -> dict[str, Tensor]:
        """The same for validation images; nothing where no loss compares models."""
        return self.training_losses(batch, generator, config)

    def optimizers(self, config: Config) -> list[torch.optim.Optimizer]:
        """New optimizers of this network at their peak learning rates."""
        return [adam(self.parameters(), config.learning_rate, config)]

    def training_step(
        self,
        batch: Batch,
        optimizers: Sequence[torch.optim.Optimizer],
        generator: torch.Generator,
        config: Config,
        autocast: Autocast = nullcontext,
    ) -> dict[str, float]:
        """One step of each optimizer.

        Args:
            batch: what to learn from.
            optimizers: as `optimizers` made them.
            generator: on the CPU, for noise and distortion.
            config: of this kind.
            autocast: makes the context in which losses are computed.

        Returns:
            Losses and what else to watch; NaN if a loss or a gradient was not finite: then the weights of that
            optimizer, and the statistics of all norms, are as before.
        """
        before = [buffer.clone() for buffer in self.buffers()]
        values = self._update(batch, optimizers, generator, config, autocast)
        if not all(map(math.isfinite, values.values())):
            with torch.no_grad():
                for buffer, kept in zip(self.buffers(), before, strict=True):
                    buffer.copy_(kept)
        return values

    def _update(
        self,
        batch: Batch,
        optimizers: Sequence[torch.optim.Optimizer],
        generator: torch.Generator,
        config: Config,
        autocast: Autocast,
    ) -> dict[str, float]:
        with autocast():
            losses = self.training_losses(batch, generator, config)
        return to_floats(losses, descend(losses["loss"], optimizers[0]))


class DrawingNetwork(CharacterNetwork[Config]):
    """A network that draws images from a latent variable z, (N, latent), whose prior is standard normal."""

    draws = True

    latent: int

    @abstractmethod
    def draw_images(self, labels: Tensor, z: Tensor) -> Tensor:
        """Labels (N,) and z (N, latent) -> images (N, 1, 28, 28) in 0..1."""

    def sample(
        self, labels: Tensor, generator: torch.Generator | None = None, z: Tensor | None = None
    ) -> Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1.

        Args:
            labels: (N,).
            generator: on the CPU, of z.
            z: (N or 1, latent); drawn from the prior if None.
        """
        if z is None:
            z = torch.randn(len(labels), self.latent, generator=generator)
        weight = next(self.parameters())
        return self.draw_images(labels.to(weight.device), z.to(weight).expand(len(labels), -1))


def adam(
    parameters: Iterable[Tensor], learning_rate: float, config: CharacterTrainingConfig
) -> torch.optim.Optimizer:
    """Adam as `config` says; without momentum its second moment is shorter too, as GANs have it."""
    betas = (config.beta1, 0.999 if config.beta1 else 0.9)
    return torch.optim.Adam(parameters, learning_rate, betas, fused=True)


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> bool:
    """One step of an optimizer, unless the loss or a gradient is not finite; whether it was taken."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    gradients = [p.grad for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
    total = loss.detach()
    for gradient in gradients:
        total = total + torch.linalg.vector_norm(gradient)
    finite = bool(torch.isfinite(total))
    if finite:
        optimizer.step()
    return finite


def to_floats(losses: dict[str, Tensor], finite: bool) -> dict[str, float]:
    """Numbers of tensors, in one transfer; NaN for all if not `finite`."""
    if not finite:
        return dict.fromkeys(losses, math.nan)
    values: list[float] = torch.stack([v.detach() for v in losses.values()]).tolist()
    return dict(zip(losses, values, strict=True))
