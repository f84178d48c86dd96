"""Neural Circuit Architectural Priors for Embodied Control (Bhattasali, Zador and Engel, 2022).

Problem: a network that has to control a body usually starts from all-to-all random weights and needs many trials; an
animal is born with wiring. Idea (NCAP): copy the wiring of the worm C. elegans, with the signs of its synapses, as a
network of four shared weights. With normalised joint angles q_i = clip(phi_i / phi_max, -1, 1), for each joint i
    head B-neurons    b^d = w_osc osc^d(t),        b^v = w_osc osc^v(t)
    other B-neurons   b^d_i = w_prop [q_{i-1}]+,   b^v_i = w_prop [-q_{i-1}]+
    muscles           m^d = w_ipsi b^d + w_contra b^v,   m^v = w_ipsi b^v + w_contra b^d,   torque u_i = m^d - m^v
every b and m cut to [0, 1], w_prop, w_osc, w_ipsi >= 0 and w_contra <= 0 (a muscle inhibits the opposite one), all of
size 1 at the start; the clock is on one side for half a period, then on the other. Laboratory scale: the paper trains
MuJoCo's swimmer by PPO and evolution; the body here is a chain of links at low Reynolds number (`swimmer`)
and the same small elitist search trains every controller on the distance swum. Turning and speed inputs are left out;
without them one side of a joint is active at a time, so every w_contra <= 0 swims alike. Source: arXiv:2201.05242.
"""

from __future__ import annotations

from .evolution import search_1plus_lambda
from .mechanism import drive, mlp, ncap, signed
from .swimmer import Body, Episode, centre, episode, forward, points

__all__ = [
    "Body",
    "Episode",
    "centre",
    "drive",
    "episode",
    "forward",
    "mlp",
    "ncap",
    "points",
    "search_1plus_lambda",
    "signed",
]
