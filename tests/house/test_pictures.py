"""Pictures of your own: what is read of a file or an array, what is wrong with one, and the memories that take them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from labcore import catalog
from labcore.pictures import NOISE, PictureError, Pictures, on_pictures, pictures
from labcore.sweeps import sweep
from widgets.boards.memory import COUNT, MemoryBoard
from widgets.check import frames as rules
from widgets.check.parameters import bounds_are_enforced, ends, runs_well

TAKERS = [f"{p.key}.{name}" for p in catalog.papers() for name in p.pictures]


def drawn(n=3, side=16, seed=0):
    return np.random.default_rng(seed).choice([-1, 1], (n, side, side))


@pytest.fixture
def files(tmp_path):
    """Dark left half, dark upper half, and a dark disc on a clear ground, larger, and in colour."""
    y, x = np.mgrid[:90, :120]
    for name, dark in {"left": x < 60, "top": y < 45}.items():
        colours = np.where(dark[:, :, None], [20, 0, 60], [250, 240, 230]).astype(np.uint8)
        Image.fromarray(colours).save(tmp_path / f"{name}.png")
    disc = (x - 60) ** 2 + (y - 45) ** 2 < 900
    Image.fromarray(np.dstack([np.zeros((90, 120, 3)), 255 * disc]).astype(np.uint8)).save(tmp_path / "disc.png")
    return [tmp_path / f"{name}.png" for name in ("left", "top", "disc")]


def test_a_file_is_cut_to_a_square_and_dark_is_ink(files):
    found = pictures(files, side=20)
    assert found.names == ("left", "top", "disc") and found.pixels.shape == (3, 20, 20)
    left, top, disc = found.pixels
    assert (left[:, :10] == 1).all() and (left[:, 10:] == -1).all()
    assert (top[:10] == 1).all() and (top[10:] == -1).all()
    assert disc[10, 10] == 1 and disc[0, 0] == 0 and set(np.unique(disc)) == {0, 1}, "what is clear is blank"


def test_arrays_as_they_are_or_against_their_mean(tmp_path):
    plain = drawn()
    plain[0, 3, 3] = 0
    assert np.array_equal(pictures(plain).pixels, plain)
    assert np.array_equal(pictures([7.5 + 2.0 * p for p in drawn()]).pixels, drawn())
    assert np.array_equal(pictures(drawn() > 0).pixels, drawn())
    np.save(tmp_path / "own.npy", drawn()[0])
    mixed = pictures([tmp_path / "own.npy", drawn()[1]])
    assert mixed.names == ("own", "picture 2") and np.array_equal(mixed.pixels, drawn()[:2])


def test_names_that_would_be_taken_for_one_another_are_numbers(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for k, place in enumerate(("a/x.npy", "b/x.npy")):
        np.save(tmp_path / place, drawn()[k])
    assert pictures([tmp_path / "a/x.npy", tmp_path / "b/x.npy"]).names == ("picture 1", "picture 2")
    np.save(tmp_path / f"{NOISE}.npy", drawn()[2])
    assert pictures([tmp_path / "a/x.npy", tmp_path / f"{NOISE}.npy"]).names == ("x", "picture 2")
    np.save(tmp_path / "picture 1.npy", drawn()[1])
    assert pictures([tmp_path / f"{NOISE}.npy", tmp_path / "picture 1.npy"]).names == ("picture 1", "picture 2")


def with_one(value):
    found = drawn().astype(float)
    found[1, 2, 5] = value
    return found


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (drawn()[:1], "there is 1 picture; it must be from 2 to 8"),
        ([], "there are no pictures; it must be from 2 to 8"),
        (drawn(9), "there are 9 pictures; it must be from 2 to 8"),
        (with_one(np.nan), "picture 2, row 2, column 5: nan is not finite"),
        (with_one(np.inf), "picture 2, row 2, column 5: inf is not finite"),
        ([drawn()[0], drawn(1, 12)[0]], "picture 2 is 12 by 12 and picture 1 is 16 by 16; all must have one size"),
        ([drawn()[0], np.ones((16, 16))], "picture 2: it is 1 all over"),
        ([drawn()[0], drawn()[0]], "picture 2 is the same picture as picture 1"),
        (drawn(2, 5), "picture 1 is 5 by 5; each side must have from 6 to 64 pixels"),
        (drawn(2, 65), "picture 1 is 65 by 65; each side must have from 6 to 64 pixels"),
        ([drawn()[0], 3], "picture 2 = an array () of int64 is not allowed; it must be a file, or numbers"),
        ([drawn()[0], [[1, 2], [3]]], "picture 2 = list is not allowed; it must be a file, or numbers"),
        ([drawn()[0], [["a"] * 8] * 8], "picture 2 = an array (8, 8) of <U1 is not allowed"),
        (None, "picture 1 = an array () of object is not allowed; it must be a file"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source, says):
    with pytest.raises(PictureError) as error:
        pictures(source)
    assert str(error.value).startswith(says) and "\n" not in str(error.value), error.value


def test_what_is_no_picture(files, tmp_path, monkeypatch):
    (tmp_path / "text.png").write_text("no picture", "utf-8")
    (tmp_path / "half.png").write_bytes(files[0].read_bytes()[:60])
    (tmp_path / "text.npy").write_text("no array", "utf-8")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    Image.new("L", (50, 50), 128).save(tmp_path / "grey.png")
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    for name, says in (
        ("gone.png", "cannot be read: No such file"),
        ("text.png", "cannot be read: it is no picture"),
        ("half.png", "cannot be read: it is no picture"),
        ("text.npy", "cannot be read: it is no picture"),
        ("objects.npy", "cannot be read: it is no picture"),
        ("grey.png", "is one grey all over"),
        ("clear.png", "is transparent all over"),
    ):
        with pytest.raises(PictureError, match=rf"{name} {says}") as error:
            pictures([files[0], tmp_path / name])
        assert "\n" not in str(error.value)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PictureError, match=r"left.png has too many pixels"):
        pictures(files)


@pytest.mark.parametrize("name", TAKERS)
def test_an_experiment_on_pictures_keeps_the_contract(name):
    experiment = on_pictures(name, drawn())
    made, others = list(experiment.frames("quick")), list(experiment.frames("quick", seed=1))
    for found in (
        rules.labelled_and_finite(made),
        rules.as_declared(experiment, made),
        rules.progress_rises_to_one(made),
        rules.readings(made),
        rules.another_seed_another_result(experiment, made, others),
        rules.figures(experiment, made),
        bounds_are_enforced(experiment),
    ):
        assert not list(found)
    again = list(experiment.frames("quick"))
    assert all(one.identical(other) for one, other in zip(made, again, strict=True))
    for values in ends(experiment):
        assert not list(runs_well(experiment, values, 3)), values


def test_a_bad_copy_is_repaired_and_pictures_that_are_not_stored_are_not():
    """Random pictures on 256 neurons are far from full: each is a valley of its own."""
    memory = on_pictures("multitasking_hebbian.retrieve", drawn())
    for k in range(3):
        end = memory.run(start=f"picture {k + 1}", cue_noise=0.3)
        assert float(end.right[0, k]) < 0.8 and float(end.right[-1, k]) > 0.99
        assert np.mean(end.state.values == drawn()[k]) > 0.99
        assert float(end.energy[-1]) < float(end.energy[0])
    noisy = memory.run(start="picture 1", T=1.0)
    assert float(noisy.right[-1, 0]) < 0.9, "above the temperature at which memory ends"


def test_blanks_are_of_no_concern():
    """Half of the pixels of each picture belong to another neuron of no pattern: the other picture takes them."""
    left, right = drawn(2)
    left[:, 8:], right[:, :8] = 0, 0
    end = on_pictures("multitasking_hebbian.retrieve", [left, right]).run(start="picture 1", cue_noise=0.1, T=0.0)
    assert float(end.right[-1, 0]) == 1 and abs(float(end.right[-1, 1]) - 0.5) > 0.45, "both at once, or a negative"


def test_a_sweep_is_of_these_pictures(tmp_path):
    codes = [on_pictures("multitasking_hebbian.retrieve", drawn(seed=s)).code for s in (0, 0, 1)]
    assert codes[0] == codes[1] != codes[2]
    done = sweep(on_pictures("multitasking_hebbian.retrieve", drawn()), out=tmp_path, start=["picture 1", NOISE])
    assert (done.point_state == "done").all() and dict(done.sizes)["start"] == 2


def test_on_the_command_line(files):
    def labcore(*words):
        return subprocess.run(
            [sys.executable, "-m", "labcore", *words],
            cwd=files[0].parent,
            env=os.environ,
            capture_output=True,
            text=True,
        )

    run = ("run", "multitasking_hebbian.retrieve")
    done = labcore(*run, "--pictures", "left.png, top.png", "--start", "top")
    assert done.returncode == 0 and "the network agrees with top in 100%" in done.stdout, done
    for more, says in (
        (("--pictures", "left.png,gone.png"), "gone.png cannot be read: No such file"),
        (("--pictures", "left.png,top.png", "--K", "3"), "there is no parameter 'K'"),
        (("--pictures", "left.png,top.png", "--start", "cat"), "it must be one of left, top, noise"),
    ):
        done = labcore(*run, *more)
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done
    assert "No such option" in labcore("run", "quadratic.neuron", "--pictures", "left.png").stderr


def test_an_experiment_without_pictures_says_which_have_some():
    with pytest.raises(LookupError, match="^noble.sharp takes no pictures; multitasking_hebbian.retrieve does$"):
        on_pictures("noble.sharp", drawn())


def test_the_board_takes_them_and_hands_on_what_is_painted(files):
    board = MemoryBoard(pictures=files)
    assert board.settings["ready"] == "yours" and not board.changed
    assert np.array_equal(board.painted, pictures(files, side=12).pixels)
    board.set(ready="letters")
    assert not np.array_equal(board.painted, pictures(files, side=12).pixels)
    board.set(ready="yours")
    board.paint(0, list(range(12)), -1)
    assert (board.painted[0, 0] == -1).all()
    experiment = on_pictures("multitasking_hebbian.retrieve", board.painted)
    assert isinstance(experiment.function.args[0], Pictures) and experiment.run(start="picture 2").sizes["row"] == 12
    one = MemoryBoard(pictures=drawn(1, 12))
    assert np.array_equal(one.painted, drawn(1, 12)), "places where nothing is painted are no pictures"
    for bad, says in ((drawn(4, 12), f"from 1 to {COUNT}"), (drawn(3), "they must be 12 by 12 here")):
        with pytest.raises(PictureError, match=says):
            MemoryBoard(pictures=bad)
    with pytest.raises(ValueError, match="ready = 'yours' is not allowed; it must be one of letters, pictures, random"):
        MemoryBoard(ready="yours")
