"""Transformer blocks of many runs side by side."""
