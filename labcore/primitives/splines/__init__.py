"""B-splines: bases, fits and a compiled layer."""
