"""A transformer that learns one rewriting step, and is fed its own output until the program has run.

Problem: can a network run programs? The lambda calculus is the smallest language in which all of them can be written.
Idea: to run a term is to reduce it again and again, (@ (L b) x) -> b[0 := x] at the leftmost outermost redex. One such
step translates one token string into another, which a sequence model learns from examples; feeding its answers back
in runs the program.   One-step task (OBR): term -> the term after one step.   Many-step task (MBR): term -> its
normal form.   Loss: cross-entropy of the target tokens alone; test: greedy decoding, right if equal up to names.
Terms: t ::= i | L t | @ t t in prefix notation, without names (de Bruijn: i counts binders on the way up) or with.
Laboratory scale: a causal decoder on `source START target END`, 2 blocks, d = 64; at most 6000 distinct terms of 5 to
10 tokens, drawn uniformly by counting; answers of 12 tokens at most. The paper trains far larger models on far more.
Source: Flach, Moreira, Lamb (2023), arXiv:2304.09276. Sampling, sizes and baselines are ours.
"""

from __future__ import annotations

from .lambda_terms import beta, leftmost_redex, parse, reduction, step, substitute
from .mechanism import execute, train
from .seq2seq import Translator, decode

__all__ = [
    "Translator",
    "beta",
    "decode",
    "execute",
    "leftmost_redex",
    "parse",
    "reduction",
    "step",
    "substitute",
    "train",
]
