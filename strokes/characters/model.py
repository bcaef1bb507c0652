"""A model of characters: a network of some kind, what its classes are, and its way to disk and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from msgspec import Meta

from ..artifacts import CONFIG, find_artifact, read_config, read_tensors, save_artifact
from ..documents import convert
from ..files import InputError
from .config import Sizes
from .kinds import KINDS, CharacterNetwork, DrawingNetwork

__all__ = ["KINDS", "PACKAGED", "CharacterModel", "ModelConfig", "build", "load_model"]

#: The folder of the packaged models, named by their kinds.
PACKAGED = Path(str(resources.files("strokes.models") / "characters"))


@dataclass(frozen=True)
class ModelConfig:
    """What config.json of a model says.

    Attributes:
        format: of this file.
        kind: one of `KINDS`.
        classes: one character a class.
        sizes: fields of the kind's dataclass of sizes.
        info: where the model comes from: data, training, figures. For people.
    """

    format: Literal["strokes-character-model-1"]
    kind: str
    classes: Annotated[str, Meta(min_length=1, max_length=999)]
    sizes: dict[str, Any]
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CharacterModel:
    """A network and what it needs to be used.

    Attributes:
        network: in evaluation mode, on the CPU.
        classes: one character a class.
        info: where the model comes from: data, training, figures. For people.
    """

    network: CharacterNetwork[Any]
    classes: str
    info: Mapping[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return self.network.name

    @property
    def sizes(self) -> Sizes:
        """Of the network."""
        return self.network.sizes

    @property
    def draws(self) -> bool:
        """Whether it can `draw`."""
        return self.network.draws

    @property
    def on_demand(self) -> bool:
        """Whether it draws the class that is asked for."""
        return self.network.on_demand

    @property
    def classifies(self) -> bool:
        """Whether `network(images)` is the logits of the classes."""
        return self.network.classifies

    def labels(self, text: str) -> torch.Tensor:
        """The labels (N,) of characters; lower case stands for upper case where only that is known.

        Raises:
            InputError: a character is no class of this model.
        """
        upper = [c if c in self.classes or len(c.upper()) > 1 else c.upper() for c in text]
        found = [self.classes.find(c) for c in upper]
        if -1 in found:
            lacking = "".join(dict.fromkeys(c for c, i in zip(text, found, strict=True) if i < 0))
            raise InputError(f"{lacking!r} cannot be drawn: this {self.kind} knows {self.classes}")
        return torch.tensor(found, dtype=torch.int64)

    @torch.no_grad()
    def draw(
        self,
        labels: torch.Tensor,
        generator: torch.Generator | None = None,
        spread: float = 1.0,
        z: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1.

        Args:
            labels: (N,), as `labels` gives them.
            generator: of z.
            spread: standard deviation of z. Below 1 characters are more alike and more legible, above 1 stranger.
            z: (N or 1, latent); drawn from the prior if None.

        Raises:
            InputError: a model of this kind draws nothing.
        """
        network = self.network
        if not isinstance(network, DrawingNetwork):
            can = ", ".join(name for name, kind in KINDS.items() if kind.draws)
            raise InputError(f"a {self.kind} draws nothing; name a model that does ({can})")
        if z is None and spread != 1:
            z = spread * torch.randn(len(labels), network.latent, generator=generator)
        return network.sample(labels, generator, z)

    def save(self, folder: str | os.PathLike[str], dtype: str = "float16") -> None:
        """Write config.json and model.safetensors into `folder`, which is made if need be.

        Args:
            folder: where to.
            dtype: of the weights on disk, "float16" or "float32".

        Raises:
            InputError: it cannot be written to.
        """
        config = ModelConfig(
            "strokes-character-model-1", self.kind, self.classes, asdict(self.sizes), dict(self.info)
        )
        tensors = {name: t.detach().cpu().numpy() for name, t in self.network.state_dict().items()}
        save_artifact(folder, config, tensors, dtype)


def build(
    kind: str, classes: int, sizes: Sizes | Mapping[str, object] | None = None
) -> CharacterNetwork[Any]:
    """A network of this kind with random weights.

    Args:
        kind: one of `KINDS`.
        classes: how many.
        sizes: of the kind's own dataclass, or its fields; those not named have their defaults.

    Raises:
        ValueError: there is no such kind, or it has no such sizes.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    network: Any = KINDS[kind]
    if not isinstance(sizes, Sizes):
        sizes = _sizes(KINDS[kind], dict(sizes or {}), "sizes")
    if not isinstance(sizes, network.sizes_type):
        raise ValueError(
            f"the sizes of a {kind} are {network.sizes_type.__name__}, not {type(sizes).__name__}"
        )
    built: CharacterNetwork[Any] = network(classes, sizes)
    return built


def _sizes(kind: type[CharacterNetwork[Any]], values: dict[str, Any], where: str) -> Sizes:
    """The kind's dataclass of these values.

    Raises:
        InputError: it has no such field, or a value is out of range.
    """
    unknown = ", ".join(values.keys() - kind.sizes_type.__dataclass_fields__.keys())
    if unknown:
        raise InputError(f"{where}: a {kind.name} has no sizes named {unknown}")
    return convert(values, kind.sizes_type, where)


def load_model(where: str | os.PathLike[str]) -> CharacterModel:
    """Load a packaged model by its kind, or one from a folder (a training run will do: its best weights).

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    folder = find_artifact(where, PACKAGED)
    config = read_config(folder, ModelConfig)
    place = str(folder / CONFIG)
    if config.kind not in KINDS:
        raise InputError(f"{place}: there is no kind {config.kind!r}; there are {', '.join(KINDS)}")
    if len(set(config.classes)) != len(config.classes):
        raise InputError(f"{place}: the classes are not different characters")
    sizes = _sizes(KINDS[config.kind], config.sizes, place)
    with torch.device("meta"):  # no memory for sizes that the weights do not have
        planned = build(config.kind, len(config.classes), sizes)
    shapes = {name: tuple(t.shape) for name, t in planned.state_dict().items()}
    tensors = read_tensors(folder, shapes)
    network = build(config.kind, len(config.classes), sizes)
    network.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    return CharacterModel(network.eval().requires_grad_(False), config.classes, config.info)
