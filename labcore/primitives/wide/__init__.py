"""Networks of infinite width: what an activation passes on, the kernels of all layers."""
