"""Networks of infinite width: Gaussian averages, what an activation passes on, the kernels of all layers."""
