"""Leaky integrate-and-fire neurons, surrogate slopes, and spike-timing-dependent plasticity."""
