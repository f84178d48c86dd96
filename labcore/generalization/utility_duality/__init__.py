"""A network's scores as utilities: learning by demonstration is raising the shown option above rivals.

Problem: a classifier is trained as if its outputs were probabilities, and used as if they were. Are they?
Idea: for a softmax over utilities u and one demonstration (x, y*), the step of maximum likelihood is
    grad log p(y*|x) = E_{y' ~ p} [ grad u(x, y*) - grad u(x, y') ]:
draw a rival y' from the network itself, raise the utility of what was shown, lower the rival's. It is a revealed
preference of y* over y'. One rival is an unbiased estimate; a rival that is y* itself moves nothing.
A utility ranks. The best option is the same after any rising map of u; sampled answers are not, and whoever decides by
probabilities needs a map from utilities to them. Here P_tau = softmax(u / tau), with tau chosen for the rule that
decides: this map is our reconstruction, the paper's own was not found.
Laboratory scale: six options; digits with 64-32-10; sentences of 12 tokens over 20 words, one table of utilities.
Source: Huang, Yuan (2023), arXiv:2305.14859 (abstract). The identity is exact mathematics; the experiments are ours.
"""

from __future__ import annotations

from .decisions import gibbs, least_risk
from .rivals import learn, rival_gradient

__all__ = ["gibbs", "learn", "least_risk", "rival_gradient"]
