"""The bench: an experiment with its controls, its figure, pins, predictions, links and sweeps."""
