"""One drawing of a network that is also its program, its cost and its backward pass.

Problem: box-and-arrow pictures leave out the axes on which operations act, so that one picture means many programs.
Idea: every axis is a wire, a dashed line separates the arrays of a tuple, an operation touches only the wires it acts
on. All wires that pass by are broadcast: for G: A -> B, G*c: A c -> B c with (choose index j of c) ; G = G*c ; (choose
j) for every j. Multilinear operations are ways to join wires: [a], [b] -> [a b] (outer product), sum_a x_aa (two wires
meet), x_aa (two become one), delta_ab (one becomes two). Neighbours of this kind are one einsum. Four readings of a
diagram keep its composition: drawing, torch program, cost (multiply-adds: the product of all axes an einsum touches;
memory: the numbers at a vertical cut), gradient R[f;g](x, y') = R[f](x, R[g](f(x), y')), itself a diagram. Double
lines are several axes at once, large parentheses repeat what they hold. Pictures of one function obey laws: a bent
wire may be pulled straight, a map on a bent wire is its transpose, boxes that share no wire slide past one another.
Laboratory scale: twelve architectures, small sizes, no training. The grammar of the text form, the convention of the
convolution tensor Star[x', w, x] = 1 where x = s x' + d w - p, the rules for costs and gradients are our own.
Source: Abbott, Neural Circuit Diagrams, Transactions on Machine Learning Research (2024), arXiv:2402.05424.
"""

from __future__ import annotations
