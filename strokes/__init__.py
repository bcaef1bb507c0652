"""Handwriting synthesis: text in, pen strokes out."""
