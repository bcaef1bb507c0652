"""A model of characters on disk: config.json and model.safetensors, by its kind."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..files import InputError, atomic_path
from .classifier import Classifier
from .gan import GAN, ConditionalGAN
from .vae import ConditionalVAE, SemiSupervisedVAE

__all__ = ["KINDS", "CharacterModel", "build", "load_model"]

_FORMAT = "strokes-character-model-1"

#: Kind -> what it is.
KINDS: Mapping[str, str] = {
    "ssvae": "semi-supervised variational autoencoder: classifies, imitates, draws",
    "cvae": "conditional variational autoencoder: draws the class asked for",
    "gan": "generative adversarial network of two perceptrons: draws, but not on demand",
    "cgan": "conditional convolutional GAN: draws the class asked for",
    "classifier": "the judge: says which character an image shows",
}


@dataclass(frozen=True)
class CharacterModel:
    """A network and what it needs to be used.

    Attributes:
        kind: one of `KINDS`.
        network: in evaluation mode, on the CPU.
        classes: one character a class.
        sizes: the arguments of the network's class, but the number of classes.
        info: where the model comes from: data, training, figures. For people.
    """

    kind: str
    network: nn.Module
    classes: str
    sizes: Mapping[str, object]
    info: Mapping[str, object] = field(default_factory=dict)

    @property
    def draws(self) -> bool:
        """Whether it has `network.sample`."""
        return self.kind != "classifier"

    @property
    def on_demand(self) -> bool:
        """Whether it draws the class that is asked for."""
        return self.kind in ("ssvae", "cvae", "cgan")

    @property
    def classifies(self) -> bool:
        """Whether `network(images)` is the logits of the classes."""
        return self.kind in ("ssvae", "classifier")

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
        self, labels: torch.Tensor, generator: torch.Generator | None = None, spread: float = 1.0
    ) -> torch.Tensor:
        """Images of these classes, (N, 1, 28, 28) in 0..1, from z of the prior.

        Args:
            labels: (N,), as `labels` gives them.
            spread: deviation of z. Below 1 characters are more alike and more legible, above 1 stranger.
        """
        if spread == 1:
            return self.network.sample(labels, generator)
        z = torch.randn(len(labels), self.network.latent, generator=generator)
        return self.network.sample(labels, z=spread * z)

    def save(self, folder: str | os.PathLike[str], dtype: torch.dtype = torch.float16) -> None:
        """Write config.json and model.safetensors into `folder`, which is made if need be.

        Raises:
            InputError: it cannot be written to.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise InputError(
                f"{folder}: this folder cannot be made ({e.strerror}); choose another place"
            ) from None
        config = {
            "format": _FORMAT,
            "kind": self.kind,
            "classes": self.classes,
            "sizes": dict(self.sizes),
            "info": dict(self.info),
        }
        tensors = {
            name: (t.to(dtype) if t.is_floating_point() else t).contiguous().cpu()
            for name, t in self.network.state_dict().items()
        }
        with atomic_path(folder / "model.safetensors") as tmp:
            try:
                save_file(tensors, tmp)
            except SafetensorError as e:  # its own error for a full disk
                raise InputError(f"{folder}: the model cannot be written ({e})") from None
        with atomic_path(folder / "config.json") as tmp:
            tmp.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def build(kind: str, classes: int, sizes: Mapping[str, object]) -> nn.Module:
    """A network of this kind with random weights.

    Raises:
        TypeError, ValueError: it has no such sizes.
    """
    if kind == "gan":
        return GAN(**sizes)
    return {
        "ssvae": SemiSupervisedVAE,
        "cvae": ConditionalVAE,
        "cgan": ConditionalGAN,
        "classifier": Classifier,
    }[kind](classes, **sizes)


def load_model(where: str | os.PathLike[str]) -> CharacterModel:
    """Load a packaged model by its kind, or one from a folder (a training run will do: its best weights).

    Raises:
        InputError: there is no such model, or its files are damaged.
    """
    folder = Path(where)
    is_model = any((folder / part).is_file() for part in ("config.json", "best/config.json"))
    if not is_model and str(where) in KINDS:
        folder = Path(str(resources.files("strokes.models") / "characters" / str(where)))
    if (folder / "best" / "config.json").exists():
        folder = folder / "best"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{where}: no model there; give the folder of one, or a packaged one ({', '.join(KINDS)})"
        ) from None
    except (OSError, ValueError, RecursionError, SafetensorError) as e:
        raise InputError(f"{folder}: the model is damaged ({e}); fetch or train it again") from None
    if (
        not isinstance(config, dict)
        or config.get("format") != _FORMAT
        or config.get("kind") not in tuple(KINDS)
    ):
        raise InputError(f"{folder / 'config.json'}: not a model of characters of this program")
    try:
        kind, classes, sizes = config["kind"], config["classes"], config["sizes"]
        if not isinstance(classes, str) or not 0 < len(classes) == len(set(classes)) < 1000:
            raise ValueError("its classes are not different characters")
        if not isinstance(sizes, dict) or any(
            not isinstance(v, str) and not 0 <= v <= 4096 for v in sizes.values()
        ):
            raise ValueError("its sizes are not numbers up to 4096")
        with torch.device("meta"):  # no memory for sizes that the weights do not have
            shapes = {k: v.shape for k, v in build(kind, len(classes), sizes).state_dict().items()}
        for name in shapes.keys() | tensors.keys():
            if name not in shapes or name not in tensors or tensors[name].shape != shapes[name]:
                raise ValueError(f"the weights {name} are not those of config.json")
        network = build(kind, len(classes), sizes)
        for name, t in tensors.items():
            if t.is_floating_point() and not t.isfinite().all():
                raise ValueError(f"the weights {name} are not all finite numbers")
        network.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as e:
        why = " ".join(str(e).split())[:200]
        raise InputError(f"{folder}: the model is damaged ({why}); fetch or train it again") from None
    info = config.get("info")
    return CharacterModel(
        kind, network.eval().requires_grad_(False), classes, sizes, info if isinstance(info, dict) else {}
    )
