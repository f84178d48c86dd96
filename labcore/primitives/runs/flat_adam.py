"""Adam as compiled loops have it: one update of flat weights, the numbers of torch.optim.Adam.

    m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2,   w -= lr m^ / (sqrt(v^) + eps),   ^ = bias-corrected

with b1 = 0.9, b2 = 0.999, eps = 1e-8. Source: Kingma, Ba (2014), arXiv 1412.6980.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from jaxtyping import Float

from labcore.checked import checked, within
from labcore.kernels import kernel

Array = np.ndarray
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


@checked
@kernel
def adam_update(
    w: Float[Array, " N"],
    m: Float[Array, " N"],
    v: Annotated[Float[Array, " N"], within(0)],
    g: Float[Array, " N"],
    k: Annotated[int, within(1)],
    lr: float,
) -> None:
    """Update number k >= 1 of the weights w and the moments m, v by the gradient g, in place."""
    step, inverse = lr / (1.0 - BETA1**k), 1.0 / np.sqrt(1.0 - BETA2**k)
    for i in range(w.size):
        m[i] += (1.0 - BETA1) * (g[i] - m[i])
        v[i] = BETA2 * v[i] + (1.0 - BETA2) * g[i] * g[i]
        w[i] -= step * m[i] / (np.sqrt(v[i]) * inverse + EPS)
