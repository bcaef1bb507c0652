"""Whose hand: style vectors of lines."""

from .encoder_model import StyleEncoderModel, load_style_encoder

__all__ = ["StyleEncoderModel", "load_style_encoder"]
