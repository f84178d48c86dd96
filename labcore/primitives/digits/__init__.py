"""The handwritten digits as tensors: splits, batches, corruptions."""
