"""A classifier whose learning rate is at stake in what it decides to take in.

Problem: when the meaning of classes shifts, a constant learning rate is too slow, and nobody says when to raise it.
Idea: give the network a need. The rate eta is its vulnerable inner state: taking in a sample of a class 5 to 9 excites
(eta += step), one of a class 0 to 4 inhibits (eta -= step; below 0 it is set to 1e-8). Every 10 samples it imagines two
futures with the gradient g gathered so far, w - (eta / m) g if it leaves the sample and w - ((eta +- step) / m) g if it
takes it, with the sign of its own guess, and counts how many of the last `memo` samples each would get right, by the
labels they have now. Only if taking is strictly better does it take, and then the true label moves eta. So a class
that it misperceives does the opposite of what it wanted: recognition pays. The batch's step of SGD uses the new eta.
Concept shift: again and again two random classes exchange their labels everywhere, in the memory too.
Laboratory scale: 8x8 digits and an ELU net 64-40-30-10 in place of MNIST and 784-80-60-10; batches of m = 10. Two
settings are the laboratory's: steps of eta0 (not eta0/10), decided on the last sample of a batch (not the first).
Source: Man, Damasio, Neven (2022), arXiv:2205.08645, and the code they published with it.
"""

from __future__ import annotations

from .mechanism import Life, effect, imagine, live

__all__ = ["Life", "effect", "imagine", "live"]
