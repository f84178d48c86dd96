"""A run that is kept: what is computed once is not computed again, and a long one is thinned."""

import numpy as np
import pytest

from tests.widgets.hands import frame, slope
from widgets.benches.recording import BYTES, FRAMES, Recording


def counted(count, size=3):
    """A recording of `count` frames with the slopes 0, 1, ..., and the list of those that were computed."""
    made = []

    def compute():
        for i in range(count):
            made.append(i)
            yield frame(float(i), (i + 1) / count).pad(x=(0, size - 3), constant_values=0)

    return Recording({"x": 1.0}, compute), made


def test_it_goes_on_where_it_was_left():
    kept, made = counted(5)
    first = iter(kept)
    assert [slope(next(first)) for _ in range(2)] == [0, 1]
    first.close()
    assert made == [0, 1] and not kept.complete
    assert [slope(f) for f in kept] == [0, 1, 2, 3, 4] and made == [0, 1, 2, 3, 4] and kept.complete
    assert [slope(f) for f in kept] == [0, 1, 2, 3, 4] and len(made) == 5


@pytest.mark.parametrize("count", [1, 2, FRAMES, FRAMES + 1, 2 * FRAMES, 2 * FRAMES + 1, 1003])
def test_a_long_run_is_thinned_evenly_between_its_first_and_its_last_frame(count):
    kept, _ = counted(count)
    assert sum(1 for _ in kept) == count
    seen = [slope(f) for f in kept.frames]
    assert len(seen) <= FRAMES and len(seen) >= min(count, FRAMES // 2)
    assert (seen[0], seen[-1]) == (0, count - 1)
    assert len(set(np.diff(seen)[:-1])) <= 1


def test_a_run_of_large_frames_is_kept_in_few_bytes():
    size = BYTES // 8 // 10
    kept, _ = counted(40, size)
    assert sum(1 for _ in kept) == 40
    assert sum(f.nbytes for f in kept.frames) <= BYTES and slope(kept.frames[-1]) == 39
    kept, _ = counted(3, BYTES)
    assert [slope(f) for f in kept] == [0, 1, 2] and [slope(f) for f in kept.frames] == [0, 2]


def test_what_an_experiment_overwrites_is_kept_as_it_was():
    shown = frame(0.0)

    def compute():
        for i in range(3):
            shown.y[:] = i
            yield shown

    kept = Recording({}, compute)
    assert sum(1 for _ in kept) == 3
    assert [slope(f) for f in kept.frames] == [0, 1, 2]


def test_a_run_that_fails_fails_again_where_it_is_seen():
    tries = []

    def compute():
        tries.append(1)
        yield frame(1.0, 0.5)
        raise RuntimeError("singular")

    kept = Recording({}, compute)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="singular"):
            list(kept)
    assert len(tries) == 2 and not kept.complete and not kept.frames
