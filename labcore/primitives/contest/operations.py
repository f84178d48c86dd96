"""How much work a piece of torch code is: its elementary operations, counted while it runs. No clock is read."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class _Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        packet = func._overloadpacket
        read = [t.numel() for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        if packet in flop_registry:
            self.total += flop_registry[packet](*args, **kwargs, out_val=out)
        elif read and not func.is_view:
            self.total += max(read + [t.numel() for t in tree_leaves(out) if isinstance(t, Tensor)])
        return out


def operations(run: Callable[[], object]) -> int:
    """The elementary operations of `run()`, a backward pass included.

    A matrix product counts its multiplications and its additions; any other operation counts one for each number of the
    largest tensor that it reads or writes, be it a sum, a logarithm or a copy. Views are free. What runs outside torch,
    in a compiled kernel, is not seen.
    """
    with _Counter() as counter:
        run()
    return counter.total
