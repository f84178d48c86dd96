"""Leaky integrate-and-fire neurons and spike-timing-dependent plasticity."""
