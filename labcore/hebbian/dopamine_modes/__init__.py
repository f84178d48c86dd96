"""Brain modes: behaviour switched by who speaks and how loud, with every weight frozen.

Problem: fine-tuning for a new context writes over weights, or adds new ones; the brain retunes a fixed circuit instead.
Idea: a mode is a threshold theta and a gain gamma for each hidden neuron of a frozen network. After h = ReLU(W x + b),
    a = sigmoid((h - theta) / tau),   h~ = gamma a h,
and only theta and gamma are trained, by cross-entropy + lambda mean(a) on data of the target mode. At inference the
gate is hard, a = 1[h > theta]. Switching modes swaps two vectors; with the mode off the untouched base is back.
Rivals get the same steps, batches and rate: gains alone (as IA3), biases alone, and LoRA, W + B A of rank r, B = 0.
Laboratory scale: 8x8 digits; the base is an MLP 64-H-H-10 trained on upright digits and digits turned by 45 degrees.
Where the gate sits (after the ReLU), tau, the first values (theta = -1, gamma = 1) and the widths are a reconstruction.
Source: arXiv:2602.11726 (2026), abstract and summaries; no code was found.
"""

from __future__ import annotations

from .mechanism import Base, Patch, forward, foundation, fresh_patch, gate, n_parameters, specialised

__all__ = ["Base", "Patch", "forward", "foundation", "fresh_patch", "gate", "n_parameters", "specialised"]
