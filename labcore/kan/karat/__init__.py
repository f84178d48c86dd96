"""Where softmax stands in a transformer, put a learned function of the whole row of scores.

Problem: attention turns each row of scores s = q K^T / sqrt(d_h) into weights by softmax, which is fixed: it sees only
differences of scores, its weights are positive and sum to 1, and its matrices have full rank. Is that needed?
Idea (KArAt): a Kolmogorov-Arnold layer from R^N to R^N in its place. In full it has N^2 learned functions a head,
    [Phi(s)]_m = sum_n phi_mn(s_n),      phi(t) = sum_{g=1..G} a_g cos(g t) + b_g sin(g t);
the modular form has only r N of them and a linear map W (N x r) back,
    z_q = sum_n phi_qn(s_n),   q = 1..r,      row of attention = W z,      2 G N r + N r numbers a head.
Rows are no probabilities any more; an option brings each into the l1 unit ball, along its own direction, so that the
rank stays r, or to the nearest point, which bends it. `blockwise` gives each block and head its own functions,
`universal` one set to each head, shared by all blocks.
Laboratory scale: 8x8 digits, 16 patches and a class token (N = 17), width 32, 2 heads, 2 blocks, AdamW. Start:
a, b ~ N(0, 1/(N G)), W ~ N(0, 1/r). The start and the sizes are ours; so is the reading of "l1 projection" as both.
Source: Maity et al. (2025), Kolmogorov-Arnold Attention: Is Learnable Attention Better For Vision Transformers?,
arXiv:2503.10632.
"""

from __future__ import annotations

from .mechanism import LearnedRows, fourier, make_vit, project_l1, scale_l1, spline
from .vit import TinyViT, attention_matrices

__all__ = ["LearnedRows", "TinyViT", "attention_matrices", "fourier", "make_vit", "project_l1", "scale_l1", "spline"]
