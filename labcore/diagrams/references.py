"""The architectures of `architectures`, written by hand with torch's own functions: what a diagram must equal.

Nothing here knows about diagrams. Each function takes the input arrays and the learned arrays by name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Arrays = list[Tensor]
Learned = dict[str, Tensor]


def reference(name: str, x: Arrays, w: Learned, stride: int = 2, dilation: int = 1) -> Tensor:
    """The output of an architecture. Raises ValueError for an unknown name."""
    if name in _CONVOLUTIONS:
        return _CONVOLUTIONS[name](x, w, stride, dilation)
    if name not in _OTHERS:
        raise ValueError(f"name = {name!r} is not allowed; it must be one of {', '.join((*_OTHERS, *_CONVOLUTIONS))}")
    return _OTHERS[name](x, w)


def _mlp(x: Arrays, w: Learned) -> Tensor:
    return F.linear(F.relu(F.linear(x[0], w["A"], w["A_bias"])), w["B"], w["B_bias"])


def _attention(x: Arrays, w: Learned) -> Tensor:
    # torch's fused kernel needs a batch and heads, and the numbers of a head side by side
    return F.scaled_dot_product_attention(*(a[None, None] for a in x))[0, 0]


def _cross_attention(x: Arrays, w: Learned) -> Tensor:
    q, k, v = F.linear(x[0], w["Q"]), F.linear(x[1], w["K"]), F.linear(x[1], w["V"])
    return F.linear(_attention([q, k, v], w), w["O"])


def _heads(y: Tensor, x: Tensor, w: Learned) -> Tensor:
    """Multi-head attention of y (y, m) to x (x, m); maps (k, h, m), and (m, h, k) on the way out."""

    def to_heads(z: Tensor, name: str) -> Tensor:
        bias = w[f"{name}_bias"].T.flatten() if f"{name}_bias" in w else None
        weight = w[name].transpose(0, 1)
        return F.linear(z, weight.flatten(0, 1), bias).unflatten(1, weight.shape[:2]).transpose(0, 1)[None]

    out = F.scaled_dot_product_attention(to_heads(y, "Q"), to_heads(x, "K"), to_heads(x, "V"))[0]
    return F.linear(out.transpose(0, 1).flatten(1), w["O"].flatten(1), w.get("O_bias"))


def _multihead(x: Arrays, w: Learned) -> Tensor:
    return _heads(*x, w)


def _encoder(z: Tensor, w: Learned) -> Tensor:
    width = z.shape[-1:]
    n = F.layer_norm(z, width, w["G"], w["B"])
    z = z + _heads(n, n, w)
    n = F.layer_norm(z, width, w["G2"], w["B2"])
    return z + F.linear(F.gelu(F.linear(n, w["F"], w["F_bias"])), w["F2"], w["F2_bias"])


def _transformer_block(x: Arrays, w: Learned) -> Tensor:
    return _encoder(x[0], w)


def _residual_block(x: Arrays, w: Learned) -> Tensor:
    z = F.conv2d(x[0][None], w["A"], w["A_bias"], padding=1)
    z = F.relu(F.instance_norm(z))
    z = F.instance_norm(F.conv2d(z, w["B"], w["B_bias"], padding=1))
    return F.relu(x[0] + z[0])


def _unet(x: Arrays, w: Learned) -> Tensor:
    def conv(z: Tensor, name: str) -> Tensor:
        return F.relu(F.conv1d(z, w[name], w[f"{name}_bias"], padding=1))

    def up(z: Tensor, name: str, size: int) -> Tensor:
        return F.conv_transpose1d(z, w[name].permute(2, 0, 1), stride=2, output_padding=size - 2 * z.shape[-1])

    top = conv(x[0][None], "A")
    middle = conv(F.max_pool1d(top, 2), "B")
    z = conv(F.max_pool1d(middle, 2), "C")
    z = conv(torch.cat((up(z, "D", middle.shape[-1]), middle), 1), "E")
    z = conv(torch.cat((up(z, "F", top.shape[-1]), top), 1), "H")
    return F.conv1d(z, w["O"][:, :, None], w["O_bias"])[0]


def _vit(x: Arrays, w: Learned) -> Tensor:
    z = F.conv2d(x[0][None], w["P"], w["P_bias"], stride=4)[0].flatten(1).T + w["E"]
    z = F.layer_norm(_encoder(z, w), w["E"].shape[-1:]).mean(0)
    return F.linear(z, w["H"], w["H_bias"])


def _linear_attention(x: Arrays, w: Learned) -> Tensor:
    q, k, v = F.elu(x[0]) + 1, F.elu(x[1]) + 1, x[2]
    return (q @ (k.T @ v)) / (q @ k.sum(0))[:, None]


def _conv1d(x: Arrays, w: Learned, stride: int, dilation: int) -> Tensor:
    return F.conv1d(x[0][None], w["L"], w["L_bias"], stride, padding=dilation, dilation=dilation)[0]


def _conv2d(x: Arrays, w: Learned, stride: int, dilation: int) -> Tensor:
    return F.conv2d(x[0][None], w["L"], w["L_bias"], stride, padding=dilation, dilation=dilation)[0]


def _depthwise(x: Arrays, w: Learned, stride: int, dilation: int) -> Tensor:
    return F.conv1d(x[0][None], w["D"][:, None], None, stride, dilation, dilation, groups=len(w["D"]))[0]


_OTHERS = {
    "mlp": _mlp,
    "attention": _attention,
    "cross_attention": _cross_attention,
    "multihead": _multihead,
    "transformer_block": _transformer_block,
    "residual_block": _residual_block,
    "unet_2level": _unet,
    "vit_block": _vit,
    "linear_attention": _linear_attention,
}
_CONVOLUTIONS = {"conv1d": _conv1d, "conv2d_strided_dilated": _conv2d, "depthwise": _depthwise}
