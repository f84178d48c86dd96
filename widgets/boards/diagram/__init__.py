"""A neural circuit diagram under the hand: its canvas, what the hands do to it, what the canvas shows of it."""
