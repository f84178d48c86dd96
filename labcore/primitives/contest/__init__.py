"""Fair comparisons: rivals with equally many parameters."""
