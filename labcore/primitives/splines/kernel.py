"""The compiled loops of B-splines with local support. `bspline.py` and `spline_map.py` are what others import.

The sum over the k + 1 active bases is written as vector instructions: plain loops over the few bases and a few dozen
outputs are slowed down three times by the checks that a compiler puts in front of such short loops.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from llvmlite import ir
from numba.core import cgutils, types  # `numba.types` is another module once somebody has imported it
from numba.extending import intrinsic

from labcore.kernels import kernel

_INT = ir.IntType(64)
_LANE = ir.IntType(32)
INPUTS = 16  # inputs a pass: their coefficients stay in the first-level cache while the samples go by
SAMPLES = 64  # samples a pass, for the same reason


def _bytes(vector: ir.VectorType) -> int:
    return 4 if vector.element == ir.FloatType() else 8


def _load(builder, pointer, vector):
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_bytes(vector))


def _store(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_bytes(value.type))


def _splat(builder, pointer, vector):
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), builder.load(pointer), ir.Constant(_LANE, 0))
    mask = ir.Constant(ir.VectorType(_LANE, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), mask)


def _fma(builder, a, b, c):
    name = f"llvm.fma.v{a.type.count}f{8 * _bytes(a.type)}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(a.type, [a.type] * 3), name)
    return builder.call(function, [a, b, c])


def _sum(builder, a):
    """The sum of the lanes, in one fixed order."""
    if a.type.count == 1:
        return builder.extract_element(a, ir.Constant(_LANE, 0))
    element, name = a.type.element, f"llvm.vector.reduce.fadd.v{a.type.count}f{8 * _bytes(a.type)}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(element, [element, a.type]), name)
    return builder.call(function, [ir.Constant(element, 0.0), a], fastmath=("reassoc",))


@intrinsic(prefer_literal=True)
def _add_rows(typing, lanes, order, y, y_at, c, c_at, c_step, row, idx, b, at, count):
    """y[y_at :][:lanes] += sum over i < count, r < order of b[at + i, r] c[c_at + i c_step + (idx[at + i] + r) row :].

    y, c and b are contiguous and addressed as flat.
    """
    n_lanes, n_rows = lanes.literal_value, order.literal_value
    whole = types.intp
    signature = types.void(lanes, order, y, whole, c, whole, whole, whole, idx, b, whole, whole)

    def generate(context, builder, signature, args):
        base = {q: context.make_array(signature.args[q])(context, builder, args[q]).data for q in (2, 4, 8, 9)}
        vector = ir.VectorType(context.get_data_type(y.dtype), n_lanes)
        target = builder.gep(base[2], [args[3]])
        total = cgutils.alloca_once_value(builder, _load(builder, target, vector))
        with cgutils.for_range(builder, args[11]) as loop:
            here = builder.add(loop.index, args[10])
            first = builder.sext(builder.load(builder.gep(base[8], [here])), _INT)
            offset = builder.add(args[5], builder.mul(loop.index, args[6]))
            offset = builder.add(offset, builder.mul(first, args[7]))
            weight = builder.mul(here, ir.Constant(_INT, n_rows))
            for r in range(n_rows):
                place = ir.Constant(_INT, r)
                w = _splat(builder, builder.gep(base[9], [builder.add(weight, place)]), vector)
                v = _load(builder, builder.gep(base[4], [builder.add(offset, builder.mul(args[7], place))]), vector)
                builder.store(_fma(builder, w, v, builder.load(total)), total)
        _store(builder, builder.load(total), target)
        return context.get_dummy_value()

    return signature, generate


@intrinsic(prefer_literal=True)
def _pull_rows(typing, lanes, order, slopes, g, g_at, c, gc, c_at, row, b, d, at):
    """gc[c_at + r row :][:lanes] += b[at + r] g[g_at :][:lanes] for r < order.

    Returns g . sum_r d[at + r] c[c_at + r row :], over these lanes, if slopes; else 0.
    """
    n_lanes, n_rows, wanted = lanes.literal_value, order.literal_value, slopes.literal_value
    whole = types.intp
    signature = g.dtype(lanes, order, slopes, g, whole, c, gc, whole, whole, b, d, whole)

    def generate(context, builder, signature, args):
        base = {q: context.make_array(signature.args[q])(context, builder, args[q]).data for q in (3, 5, 6, 9, 10)}
        vector = ir.VectorType(context.get_data_type(g.dtype), n_lanes)
        gradient, total = _load(builder, builder.gep(base[3], [args[4]]), vector), None
        for r in range(n_rows):
            offset = builder.add(args[7], builder.mul(args[8], ir.Constant(_INT, r)))
            place = builder.add(args[11], ir.Constant(_INT, r))
            w, target = _splat(builder, builder.gep(base[9], [place]), vector), builder.gep(base[6], [offset])
            _store(builder, _fma(builder, w, gradient, _load(builder, target, vector)), target)
            if wanted:
                u = _splat(builder, builder.gep(base[10], [place]), vector)
                v = _load(builder, builder.gep(base[5], [offset]), vector)
                total = builder.fmul(u, v) if total is None else _fma(builder, u, v, total)
        if not wanted:
            return ir.Constant(vector.element, 0.0)
        return _sum(builder, builder.fmul(total, gradient))

    return signature, generate


@intrinsic(prefer_literal=True)
def _polynomials(typing, order, slopes, pieces, at, f, rate, b, d, to):
    """b[to + r] = sum over p < order of pieces[at + p order + r] f ** p for r < order, all r at once.

    d[to + r] = rate times the slope of the same, if slopes. All are contiguous and addressed as flat.
    """
    n_rows, wanted, whole = order.literal_value, slopes.literal_value, types.intp
    signature = types.void(order, slopes, pieces, whole, types.float64, types.float64, b, d, whole)

    def generate(context, builder, signature, args):
        base = {q: context.make_array(signature.args[q])(context, builder, args[q]).data for q in (2, 6, 7)}
        vector, store = (ir.VectorType(t, n_rows) for t in (ir.DoubleType(), context.get_data_type(b.dtype)))

        def all_rows(number):
            place = cgutils.alloca_once_value(builder, number)
            return _splat(builder, place, vector)

        def put(value, pointer):
            value = value if store == vector else builder.fptrunc(value, store)
            _store(builder, value, builder.gep(pointer, [args[8]]))

        offsets = [builder.add(args[3], ir.Constant(_INT, p * n_rows)) for p in range(n_rows)]
        piece = [_load(builder, builder.gep(base[2], [offset]), vector) for offset in offsets]
        at, total = all_rows(args[4]), piece[-1]
        for p in range(n_rows - 2, -1, -1):
            total = builder.fadd(builder.fmul(total, at), piece[p])
        put(total, base[6])
        if wanted:
            slope = ir.Constant(vector, [0.0] * n_rows)
            for p in range(n_rows - 1, 0, -1):
                power = ir.Constant(vector, [float(p)] * n_rows)
                slope = builder.fadd(builder.fmul(slope, at), builder.fmul(power, piece[p]))
            put(builder.fmul(slope, all_rows(args[5])), base[7])
        return context.get_dummy_value()

    return signature, generate


@kernel
def _near(v, i, t, rate, k):
    """m with t[i, m] <= v < t[i, m + 1] on equally spaced knots.

    The right end of the grid is in its last interval; t.shape[1] - 1 stands for no interval.
    """
    last = t.shape[1] - 1
    if v == t[i, last - k]:
        return last - k - 1
    if not t[i, 0] <= v < t[i, last]:
        return last
    m = min(int((v - t[i, 0]) * rate[i, last]), last - 1)
    # rounding may have put v just across a knot
    return m + int(v >= t[i, m + 1]) - int(v < t[i, m])


@kernel
def _bisect(v, i, t, rate, k):
    """The same on any knots."""
    last = t.shape[1] - 1
    if v == t[i, last - k]:
        return last - k - 1
    if not t[i, 0] <= v < t[i, last]:
        return last
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if v >= t[i, middle] else (low, middle)
    return low


@lru_cache
def kernels(k: int) -> tuple[Callable, ...]:
    """The loops for degree k, compiled with k as a constant. Each works on the range [low, high) of what it owns.

    0, 1  local(x, knots, rates, pieces, idx, B, D, low, high), on any and on equally spaced knots, owns samples
    2     forward(idx, B, C, y, low, high) owns samples
    3, 4  backward(idx, B, D, C, gy, gC, gx, low, high), without and with the gradient of x, owns inputs
    y and gy are (N, M, O): the inputs are those of M models in turn, as many each.
    No two ranges write to the same place, and no sum depends on where a range begins: threads change no bit.
    """
    order = k + 1

    def bases(uniform):
        # no checks for division by zero: they would cost more than the loop
        @kernel(error_model="numpy")
        def local(x, knots, rates, pieces, idx, values, slopes, low, high):
            n_inputs, top = x.shape[1], knots.shape[1] - 2 * k - 2
            shared, wanted = pieces.shape[0] == 1, len(slopes) > 0
            for n in range(low, high):
                for i in range(n_inputs):
                    v = float(x[n, i])
                    at = 0 if shared else i
                    m = _near(v, i, knots, rates, k) if uniform else _bisect(v, i, knots, rates, k)
                    f, rate = (v - knots[i, m]) * rates[i, m], rates[i, m]
                    # beyond the last knot the piece is zero; only a NaN must stay what it is
                    f = f if m <= top + 2 * k or v != v else 0.0
                    idx[n, i] = min(max(m - k, 0), top)
                    here, to = (at * knots.shape[1] + m) * order * order, (n * n_inputs + i) * order
                    if wanted:
                        _polynomials(order, 1, pieces, here, f, rate, values, slopes, to)
                    else:
                        _polynomials(order, 0, pieces, here, f, rate, values, slopes, to)
                    if k == 0 and v != v:
                        values[n, i, 0] = v

        return local

    @kernel
    def forward(idx, values, coef, y, low, high):
        n_inputs, (_, size, row), models = idx.shape[1], coef.shape, y.shape[1]
        inputs, step = n_inputs // models, size * row
        blocks = (inputs + INPUTS - 1) // INPUTS
        for some in range(low, high, SAMPLES):
            for block in range(models * blocks):
                model = block // blocks
                first = model * inputs + block % blocks * INPUTS
                count, c = min(INPUTS, (model + 1) * inputs - first), first * step
                for n in range(some, min(some + SAMPLES, high)):
                    o, at, to = 0, n * n_inputs + first, (n * models + model) * row
                    while o + 64 <= row:
                        _add_rows(64, order, y, to + o, coef, c + o, step, row, idx, values, at, count)
                        o += 64
                    while o + 16 <= row:
                        _add_rows(16, order, y, to + o, coef, c + o, step, row, idx, values, at, count)
                        o += 16
                    while o + 4 <= row:
                        _add_rows(4, order, y, to + o, coef, c + o, step, row, idx, values, at, count)
                        o += 4
                    while o < row:
                        _add_rows(1, order, y, to + o, coef, c + o, step, row, idx, values, at, count)
                        o += 1

    def gradient(wanted):
        @kernel
        def backward(idx, values, slopes, coef, gy, gcoef, gx, low, high):
            (samples, n_inputs), (_, size, row), models = idx.shape, coef.shape, gy.shape[1]
            for start in range(0, samples, SAMPLES):
                for i in range(low, high):
                    model = i // (n_inputs // models)
                    for n in range(start, min(samples, start + SAMPLES)):
                        c, at = (i * size + idx[n, i]) * row, (n * n_inputs + i) * order
                        g, o, total = (n * models + model) * row, 0, gy.dtype.type(0)
                        while o + 64 <= row:
                            total += _pull_rows(
                                64, order, wanted, gy, g + o, coef, gcoef, c + o, row, values, slopes, at
                            )
                            o += 64
                        while o + 16 <= row:
                            total += _pull_rows(
                                16, order, wanted, gy, g + o, coef, gcoef, c + o, row, values, slopes, at
                            )
                            o += 16
                        while o + 4 <= row:
                            total += _pull_rows(
                                4, order, wanted, gy, g + o, coef, gcoef, c + o, row, values, slopes, at
                            )
                            o += 4
                        while o < row:
                            total += _pull_rows(
                                1, order, wanted, gy, g + o, coef, gcoef, c + o, row, values, slopes, at
                            )
                            o += 1
                        if wanted:
                            gx[n, i] = total

        return backward

    return bases(0), bases(1), forward, gradient(0), gradient(1)
