"""Why a handful of outliers decides how large a training step may be.

Problem: while a network trains its loss gets steeper, until the steps of gradient descent overshoot. What steepens it?
Idea: a few points share one large feature and ask opposite things of it. Their gradients cancel, so nothing learns to
ignore them; yet each of them asks loudly, and the more the network relies on its other features, the louder.
Model: f(x, x_o) = c (b.x + b_o x_o); x ~ N(0, I); x_o = +s, -s or, mostly, 0; target beta.x + k |x_o|.
Half the square loss has, across the valley b_o = 0, the curvature    d2L/db_o2 = c^2 q s^2    (q: share of outliers).
First b_o goes to its balance; then c grows from its small start to sqrt|beta|, since c^2 - |b|^2 - b_o^2 stays:
progressive sharpening, up to q s^2 |beta|. Past 2/eta each step leaps across the valley to a higher place: one group's
loss rises while the other's falls, in turns. The leaps shrink c, and the valley widens until steps fit again.
Laboratory scale: 1000 points, 5 ordinary features, one hidden unit; a network on digits of which some are framed.
Source: Rosenfeld, Risteski (2023), arXiv:2311.04163. The one-unit model in numbers is ours.
"""

from __future__ import annotations

from .curvature import gradients, hessian, losses, sharpness
from .descent import ends, follow
from .outliers import Moments, Sample, draw, moments

__all__ = ["Moments", "Sample", "draw", "ends", "follow", "gradients", "hessian", "losses", "moments", "sharpness"]
