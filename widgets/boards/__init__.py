"""Things to take into your hands: a diagram, a Kolmogorov-Arnold network, an associative memory."""
