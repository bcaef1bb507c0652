"""strokes characters: 28x28 characters, drawn, read and imitated."""

from __future__ import annotations

from ..group import Group

__all__ = ["GROUP", "run"]

GROUP = Group(
    "strokes characters",
    __name__,
    {
        "sample": "draw characters",
        "classify": "say which character a picture shows",
        "imitate": "draw any character in the style of a few",
        "latent": "a map of a model's latent space",
        "evaluate": "how well a model draws or reads, as JSON",
        "train": "train a model on what 'strokes prepare characters' made",
    },
    "Pictures of single characters, 28x28, apart from the pen's model.\n\n"
    "Models are packaged, named by their kinds (--model ssvae), or of your own, named by their folders:\n"
    "  ssvae       semi-supervised variational autoencoder: classifies, imitates, draws\n"
    "  cvae        conditional variational autoencoder: draws the class asked for\n"
    "  gan         generative adversarial network of two perceptrons: draws, but not on demand\n"
    "  cgan        conditional convolutional GAN: draws the class asked for\n"
    "  classifier  the judge: says which character an image shows",
    "example:\n  strokes characters sample HELLO -o hello.png\n\n"
    "'strokes characters COMMAND --help' explains a command and gives an example.",
)

run = GROUP.run
