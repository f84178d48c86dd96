"""What the operations of a neural circuit diagram are in torch, as text: `code` puts the lines together."""

from __future__ import annotations

from labcore.diagrams.axes import Array
from labcore.diagrams.boxes import (
    Add,
    Bias,
    Bundle,
    Concat,
    Deviation,
    Elementwise,
    Group,
    Index,
    Insert,
    Largest,
    Max,
    Mul,
    Norm,
    Operation,
    Place,
    Slice,
    SoftMax,
    Split,
    Star,
    StarTransposed,
    Zero,
)

# a function of one number and its derivative
ELEMENTWISE = {
    "relu": ("torch.relu({x})", "({x} > 0).to({x})"),
    "gelu": (
        "0.5 * {x} * (1 + torch.erf({x} * 2**-0.5))",
        "0.5 * (1 + torch.erf({x} * 2**-0.5)) + {x} * torch.exp(-({x}**2) / 2) * (2 * torch.pi) ** -0.5",
    ),
    "tanh": ("torch.tanh({x})", "1 - torch.tanh({x}) ** 2"),
    "sigmoid": ("torch.sigmoid({x})", "torch.sigmoid({x}) * torch.sigmoid(-{x})"),
    "exp": ("torch.exp({x})", "torch.exp({x})"),
    "square": ("{x}**2", "2 * {x}"),
    "reciprocal": ("1 / {x}", "-({x}**-2)"),
    "feature": ("torch.where({x} > 0, {x} + 1, torch.exp({x}))", "torch.where({x} > 0, 1, torch.exp({x}))"),
}

HELPERS = {
    "windows": '''
def windows(x, dim, kernel, stride, dilation, pad):
    """[.. x ..] -> [.. x' w ..]: the windows of a convolution, as a view of the padded array."""
    x = torch.nn.functional.pad(x, [0, 0] * (x.ndim - 1 - dim) + [pad, pad])
    x = x.unfold(dim, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
    return x.movedim(-1, dim + 1)
''',
    "overlap_add": '''
def overlap_add(x, dim, kernel_dim, size, stride, dilation, pad):
    """[.. x' .. w ..] -> [.. x ..]: each window is added back where it came from."""
    dim -= kernel_dim < dim
    x = x.movedim(kernel_dim, dim + 1)
    positions, kernel = x.shape[dim], x.shape[dim + 1]
    at = stride * torch.arange(positions)[:, None] + dilation * torch.arange(kernel)
    padded = x.new_zeros(*x.shape[:dim], size + 2 * pad, *x.shape[dim + 2 :])
    return padded.index_add(dim, at.flatten().to(x.device), x.flatten(dim, dim + 1)).narrow(dim, pad, size)
''',
    "pad_zeros": '''
def pad_zeros(x, dim, size, start):
    """The array as a part of a longer one that is zero elsewhere."""
    rest = size - start - x.shape[dim]
    return torch.nn.functional.pad(x, [0, 0] * (x.ndim - 1 - dim) + [start, rest])
''',
    "normalize": '''
def normalize(x, dims):
    """Mean 0 and variance 1 over some axes."""
    return (x - x.mean(dims, keepdim=True)) * torch.rsqrt(x.var(dims, unbiased=False, keepdim=True) + 1e-5)
''',
}


def expression(op: Operation, ins: list[str], dom: tuple[Array, ...], cod: tuple[Array, ...], like: str) -> str:
    """One operation as a torch expression. Raises ValueError for an elementwise function that is not in the list."""
    x = ins[0] if ins else ""
    match op:
        case Elementwise(function, derivative):
            if function not in ELEMENTWISE:
                raise ValueError(f"function = {function!r} is not allowed; it must be one of {', '.join(ELEMENTWISE)}")
            return ELEMENTWISE[function][derivative].format(x=x)
        case SoftMax(i):
            return f"torch.softmax({x}, {i})"
        case Norm(positions):
            return f"normalize({x}, {positions})"
        case Deviation(positions):
            return f"torch.rsqrt({x}.var({positions}, unbiased=False) + 1e-5)"
        case Max(i):
            return f"{x}.max({i}).values"
        case Largest(i):
            return f"torch.zeros_like({x}).scatter({i}, {x}.max({i}, keepdim=True).indices, 1.0)"
        case Bias(name, positions):
            return f"{x} + {aligned(name, positions, range(len(dom[0])))}"
        case Group(i, count) | Bundle(i, count):
            return f"{x}.flatten({i}, {i + count - 1})"
        case Split(i, axes):
            return f"{x}.unflatten({i}, {tuple(a.size for a in axes)})"
        case Index(i, index):
            return f"{x}.select({i}, {index})"
        case Place(i, axis, index):
            return f"pad_zeros({x}.unsqueeze({i}), {i}, {axis.size}, {index})"
        case Slice(i, axis, start):
            return f"{x}.narrow({i}, {start}, {axis.size})"
        case Insert(i, axis, start):
            return f"pad_zeros({x}, {i}, {axis.size}, {start})"
        case Star(i, _, kernel, stride, dilation, pad):
            return f"windows({x}, {i}, {kernel.size}, {stride}, {dilation}, {pad})"
        case StarTransposed(i, j, axis, stride, dilation, pad):
            return f"overlap_add({x}, {i}, {j}, {axis.size}, {stride}, {dilation}, {pad})"
        case Add():
            return f"{x} + {ins[1]}"
        case Mul():
            return f"{x} * {ins[1]}"
        case Concat(i):
            return f"torch.cat(({x}, {ins[1]}), {i})"
        case Zero():
            return f"{like}.new_zeros({tuple(a.size for a in cod[0].axes)})"
    raise ValueError(f"{type(op).__name__} has no torch expression")


def aligned(name: str, labels: tuple[int, ...], out: range | tuple[int, ...]) -> str:
    """A learned array with these axes, so that it can be added to an array with the axes `out`."""
    order = sorted(range(len(labels)), key=lambda n: list(out).index(labels[n]))
    x = name if order == sorted(order) else f"{name}.permute({', '.join(map(str, order))})"
    index = ", ".join(":" if n in labels else "None" for n in out)
    return x if all(n in labels for n in out) else f"{x}[{index}]"
