"""Small transformers whose row map (the place of softmax) and linear class are put in from outside.

Everything has a leading dimension S: S independent runs train side by side in one batched product. Run i draws its
weights from generator i alone, so that run i is the same whatever S is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, wraps
from importlib import resources
from math import cos, pi, sqrt
from typing import Annotated, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from labcore.data import digits_split
from labcore.experiment import number

Rngs = Sequence[np.random.Generator]
MakeLinear = Callable[[Rngs, int, int], nn.Module]
Rate = Annotated[
    float, number(1e-4, 3e-2, "First learning rate; it falls to 0 on a half cosine", "training", scale="log")
]
NO_DECAY = {"bias", "gain", "frequency1", "frequency2", "phase1", "phase2"}  # weight decay would pull these to 0


def one_thread(function: Callable[..., Iterator[xr.Dataset]]) -> Callable[..., Iterator[xr.Dataset]]:
    """Compute each frame on one thread: sums split over threads would give other bits on other numbers of cores."""

    @wraps(function)
    def frames(**values) -> Iterator[xr.Dataset]:
        inner = function(**values)
        while True:
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                frame = next(inner, None)
            finally:
                torch.set_num_threads(before)
            if frame is None:
                return
            yield frame

    return frames


def streams(seeds: Sequence[Sequence[int]], stream: int) -> list[np.random.Generator]:
    """One generator a run, independent of those of another stream."""
    return [np.random.default_rng([*s, stream]) for s in seeds]


def normal(rngs: Rngs, *shape: int, std: float) -> nn.Parameter:
    """(S, *shape) normal numbers, slice i from generator i."""
    draws = np.stack([g.normal(size=shape) for g in rngs]) * std
    return nn.Parameter(torch.as_tensor(draws, dtype=torch.float32))


class Linear(nn.Module):
    """S affine maps x W + b: (S, M, d_in) -> (S, M, d_out)."""

    def __init__(self, rngs: Rngs, d_in: int, d_out: int):
        super().__init__()
        self.weight = normal(rngs, d_in, d_out, std=1 / sqrt(d_in))
        self.bias = nn.Parameter(torch.zeros(len(rngs), 1, d_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class LayerNorm(nn.Module):
    """Layer norm over d with a gain and a bias for each of S runs: (S, M, d) -> (S, M, d)."""

    def __init__(self, runs: int, d: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(runs, 1, d))
        self.bias = nn.Parameter(torch.zeros(runs, 1, d))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:]) * self.gain + self.bias


class Softmax(nn.Module):
    """The usual row map: softmax over the last axis, of the past only if `causal`."""

    def __init__(self, causal: bool = False):
        super().__init__()
        self.causal = causal

    def forward(self, scores: Tensor) -> Tensor:
        if self.causal:
            n = scores.shape[-1]
            scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), float("-inf"))
        return scores.softmax(-1)


class Attention(nn.Module):
    """Multi-head attention rows(Q K^T / sqrt(d_h)) V with any map of the score rows, (S, B, H, N, N) to the same."""

    def __init__(self, rngs: Rngs, d: int, heads: int, rows: nn.Module, linear: MakeLinear = Linear):
        super().__init__()
        self.heads, self.rows = heads, rows
        # q, k and v are three maps of the same input: 3 S maps in one product
        self.qkv = linear([g for g in rngs for _ in range(3)], d, d)
        self.out = linear(rngs, d, d)

    def scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Q K^T / sqrt(d_h) (S, B, H, N, N) and V (S, B, H, N, d_h) of x (S, B, N, d)."""
        s, b, n, d = x.shape
        qkv = self.qkv(x.reshape(s, b * n, d).repeat_interleave(3, 0))
        q, k, v = qkv.view(s, 3, b, n, self.heads, d // self.heads).permute(1, 0, 2, 4, 3, 5)
        return q @ k.transpose(-1, -2) / sqrt(d // self.heads), v

    def forward(self, x: Tensor, seen: list | None = None) -> Tensor:
        s, b, n, d = x.shape
        scores, v = self.scores(x)
        attention = self.rows(scores)
        if seen is not None:
            seen.append((scores, attention))
        return self.out((attention @ v).transpose(2, 3).reshape(s, b * n, d)).view(s, b, n, d)


class Block(nn.Module):
    """Pre-norm transformer block: x + attention(norm x), then x + MLP(norm x) with GELU."""

    def __init__(self, rngs: Rngs, d: int, heads: int, rows: nn.Module, linear: MakeLinear = Linear, ratio: int = 2):
        super().__init__()
        self.norm1, self.norm2 = LayerNorm(len(rngs), d), LayerNorm(len(rngs), d)
        self.attention = Attention(rngs, d, heads, rows, linear)
        self.up, self.down = linear(rngs, d, ratio * d), linear(rngs, ratio * d, d)

    def forward(self, x: Tensor, seen: list | None = None) -> Tensor:
        s, b, n, d = x.shape
        flat = (s, b * n, d)
        x = x + self.attention(self.norm1(x.view(flat)).view(x.shape), seen)
        return x + self.down(F.gelu(self.up(self.norm2(x.view(flat))))).view(x.shape)


class TinyViT(nn.Module):
    """Vision transformer for 8x8 pictures: 2x2 patches, 16 tokens and a class token, (S, B, 64) -> logits (S, B, 10).

    rows() is called once a block; returning the same module each time makes the blocks share it.
    """

    TOKENS = 17

    def __init__(self, rngs: Rngs, rows: Callable[[], nn.Module], d: int = 32, heads: int = 2, blocks: int = 2):
        super().__init__()
        self.embed, self.head = Linear(rngs, 4, d), Linear(rngs, d, 10)
        self.position = normal(rngs, 1, self.TOKENS, d, std=0.3)
        self.class_token = normal(rngs, 1, 1, d, std=0.3)
        self.blocks = nn.ModuleList(Block(rngs, d, heads, rows()) for _ in range(blocks))
        self.norm = LayerNorm(len(rngs), d)

    def forward(self, pixels: Tensor, seen: list | None = None) -> Tensor:
        """Logits. Appends each block's (scores, attention), both (S, B, H, N, N), to `seen`."""
        s, b, _ = pixels.shape
        patches = pixels.view(s, b, 4, 2, 4, 2).permute(0, 1, 2, 4, 3, 5).reshape(s, b * 16, 4)
        x = torch.cat([self.class_token.expand(s, b, -1, -1), self.embed(patches).view(s, b, 16, -1)], 2)
        x = x + self.position
        for block in self.blocks:
            x = block(x, seen)
        return self.head(self.norm(x[:, :, 0]))


class TinyLM(nn.Module):
    """Character language model: tokens (S, B, T) -> logits (S, B, T, V), each from the past only."""

    CONTEXT = 32

    def __init__(
        self, rngs: Rngs, vocabulary: int, linear: MakeLinear = Linear, d: int = 32, heads: int = 2, blocks: int = 2
    ):
        super().__init__()
        self.token = normal(rngs, vocabulary, d, std=0.3)
        self.position = normal(rngs, 1, self.CONTEXT, d, std=0.3)
        self.blocks = nn.ModuleList(Block(rngs, d, heads, Softmax(causal=True), linear) for _ in range(blocks))
        self.norm, self.head = LayerNorm(len(rngs), d), Linear(rngs, d, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        s, b, t = tokens.shape
        vocabulary, d = self.token.shape[1:]
        rows = (tokens + vocabulary * torch.arange(s)[:, None, None]).flatten()
        x = F.embedding(rows, self.token.view(-1, d)).view(s, b, t, d) + self.position[:, :, :t]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x.view(s, b * t, d))).view(s, b, t, vocabulary)


@lru_cache(maxsize=1)
def bundled_text() -> tuple[Tensor, Tensor, Tensor, int]:
    """scikit-learn's data set descriptions as character numbers, starts of training and of held-out windows, V."""
    files = sorted(f for f in resources.files("sklearn.datasets.descr").iterdir() if f.name.endswith(".rst"))
    text = "".join(f.read_text(encoding="utf-8") for f in files)
    letters = {c: i for i, c in enumerate(sorted(set(text)))}
    # every tenth block of 512 characters is held out: a tail would be another document
    start = torch.arange(len(text) - TinyLM.CONTEXT)
    first, final = start // 512 % 10 == 9, (start + TinyLM.CONTEXT) // 512 % 10 == 9
    return torch.tensor([letters[c] for c in text]), start[~first & ~final], start[first & final], len(letters)


def count(module: nn.Module, runs: int) -> int:
    """Learnable numbers of one of `runs` runs."""
    return sum(p.numel() for p in module.parameters()) // runs


def adamw(module: nn.Module, lr: float, decay: float = 0.01) -> torch.optim.AdamW:
    """AdamW that decays matrices only: not biases, gains, frequencies or phases."""
    free = [p for name, p in module.named_parameters() if name.rpartition(".")[2] in NO_DECAY]
    rest = [p for name, p in module.named_parameters() if name.rpartition(".")[2] not in NO_DECAY]
    groups = [{"params": rest, "weight_decay": decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, fused=True)


def diverged(last: xr.Dataset | None, step: int) -> xr.Dataset:
    """The end of a run that diverged: its last finite frame, with a reading that says so."""
    assert last is not None, "the first frame shows the start, which is finite"
    reading = f"The training diverged before step {step}. Before that: {last.attrs['reading']}"
    return last.assign_attrs(progress=1.0, reading=reading)


def cosine_rate(optimizer: torch.optim.Optimizer, lr: float, step: int, steps: int) -> None:
    """Set the learning rate of step 0, 1, ... steps - 1 on a half cosine from lr to 0."""
    for group in optimizer.param_groups:
        group["lr"] = lr * 0.5 * (1 + cos(pi * step / steps))


def cross_entropy(logits: Tensor, y: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of each run: logits (S, ..., C), y (S, ...) -> (S,)."""
    losses = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none", label_smoothing=smoothing)
    return losses.view(len(y), -1).mean(1)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, smoothing: float = 0.0
) -> Tensor:
    """One step of each run on its own batch. Returns the cross-entropy (S,) before the step, without smoothing."""
    logits = model(x)
    plain = cross_entropy(logits, y)
    losses = cross_entropy(logits, y, smoothing) if smoothing else plain
    optimizer.zero_grad()
    losses.sum().backward()  # runs share no weight: the gradient of the sum is each run's own
    optimizer.step()
    return plain.detach()


class DigitBatches(NamedTuple):
    """One split of the digits and one order of batches a run: x (S, n, 64), y (S, n)."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    order: np.ndarray  # (S, steps, batch)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        at = torch.as_tensor(self.order[:, step])
        return self.x.gather(1, at[..., None].expand(-1, -1, 64)), self.y.gather(1, at)


def digit_batches(seeds: Sequence[list[int]], steps: int, batch: int = 64) -> DigitBatches:
    """1297 training and 500 test digits a run, and `steps` batches; run i draws from seeds[i] alone."""
    splits = [digits_split(1297, 500, [*s, 3]) for s in seeds]
    x, x_test = (torch.as_tensor(np.stack([p[k] for p in splits]), dtype=torch.float32) for k in (0, 2))
    y, y_test = (torch.as_tensor(np.stack([p[k].argmax(1) for p in splits])) for k in (1, 3))
    order = np.stack([g.integers(0, 1297, (steps, batch)) for g in streams(seeds, 4)])
    return DigitBatches(x, y, x_test, y_test, order)


class Matrices(NamedTuple):
    """What the attention matrices of some pictures are like."""

    rank: np.ndarray  # (S, matrices) how many singular values are above 1e-6 of the largest
    singular: np.ndarray  # (N,) median of singular value / largest
    off_sum: np.ndarray  # (S,) share of rows whose sum is more than 0.1 away from 1
    size: np.ndarray  # (S,) largest sum |row|
    negative: np.ndarray  # (S,) share of negative entries
    example: np.ndarray  # (N, N) run 0, last block, head 0, first picture


def attention_matrices(vit: TinyViT, pixels: Tensor) -> Matrices:
    """Ranks and row sums of the attention of all blocks and heads for pixels (S, B, 64), in float64."""
    seen: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        copy.deepcopy(vit).double()(pixels.double(), seen)
    a = torch.stack([attention for _, attention in seen], 1).numpy()  # (S, block, B, H, N, N)
    singular = np.linalg.svd(a, compute_uv=False).reshape(len(a), -1, a.shape[-1])
    relative = singular / np.maximum(singular[..., :1], 1e-300)
    sums, sizes = a.sum(-1), np.abs(a).sum(-1)
    inner = (1, 2, 3, 4)
    off, negative = (np.abs(sums - 1) > 0.1).mean(inner), (a < 0).mean((*inner, 5))
    middle = np.median(relative, (0, 1))
    return Matrices((relative > 1e-6).sum(-1), middle, off, sizes.max(inner), negative, a[0, -1, 0, 0])
