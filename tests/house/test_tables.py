"""Tables of your own: what is read of a file, what is wrong with one, and the experiments that take them."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from labcore import catalog
from labcore.sweeps import sweep
from labcore.tables import LEAST, TableError, on_table, split, table
from widgets.check import frames as rules
from widgets.check.parameters import bounds_are_enforced, ends, runs_well

TAKERS = [f"{p.key}.{name}" for p in catalog.papers() for name in p.tables]


def rows(n=150, seed=0):
    found = pd.DataFrame(np.random.default_rng(seed).standard_normal((n, 3)), columns=["a", "b", "c"])
    found["y"] = np.sin(2 * found.a) + found.b * found.c
    return found


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.csv"
    rows().to_csv(path, index=False)
    return path


def test_a_file_and_a_frame_are_the_same_table(file):
    for columns in ((), ["b", "y"], "b, y"):
        one, other = table(file, columns), table(rows(), columns)
        assert one.names == other.names == (tuple(rows().columns) if not columns else ("b", "y"))
        np.testing.assert_allclose(one.x, other.x, rtol=1e-12)
        np.testing.assert_allclose(one.y, rows().y, rtol=1e-12)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_blank_lines_and_a_byte_order_mark(tmp_path, separator):
    text = rows().to_csv(index=False, sep=separator).replace("\n", "\n\n", 1)
    (tmp_path / "x.csv").write_text("\ufeff" + text, "utf-8")
    np.testing.assert_allclose(table(tmp_path / "x.csv").y, rows().y, rtol=1e-12)


HEAD = ["a,b", *["1,2", "3,4"] * LEAST]


@pytest.mark.parametrize(
    ("lines", "columns", "says"),
    [
        ([], "", " is empty"),
        (["a,b", "1,2"], "", f" has 1 rows; it must have from {LEAST} to 20000"),
        ([*HEAD[:7], "1,x", *HEAD[7:]], "", ", line 8, column 'b': 'x' is no number"),
        ([*HEAD[:7], "1,", *HEAD[7:]], "", ", line 8, column 'b': there is nothing"),
        ([*HEAD[:7], "nan,1", *HEAD[7:]], "", ", line 8, column 'a': nan is not finite"),
        ([*HEAD[:7], "1e300,1", *HEAD[7:]], "", ", line 8, column 'a': 1e300 is too large"),
        ([*HEAD[:7], "1,2,3", *HEAD[7:]], "", ", line 8: it has 3 values, and there are 2 columns"),
        ([*HEAD[:7], "", "1", *HEAD[7:]], "", ", line 9: it has 1 values, and there are 2 columns"),
        (["a;b", *['"1,5";2', "3;4"] * LEAST], "", ", line 2, column 'a': '1,5' is no number; write 1.5 and not 1,5"),
        (["a,a", *HEAD[1:]], "", ": two columns are called 'a'"),
        (["a,b", *["1,2", "1,4"] * LEAST], "", ", column 'a': it is 1 in every row"),
        (["price,b", *HEAD[1:]], "b,prise", ": there is no column 'prise'; did you mean 'price'?"),
        (HEAD, "b,zzz", ": there is no column 'zzz'; it has a, b"),
        (HEAD[1:], "", ", line 1: it holds numbers alone; the first line must name the columns"),
        (HEAD, [0, 1], "columns = 0 is not allowed; it must be names of columns"),
        (HEAD, "a", "columns = a is not allowed; it must be 2 to 50 of them, each once, the target last"),
        (HEAD, "a,a", "columns = a, a is not allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_column(tmp_path, lines, columns, says):
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(TableError) as error:
        table(path, columns)
    assert says in str(error.value) and "\n" not in str(error.value), error.value


def test_what_is_no_table(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    for source, says in (
        (tmp_path / "gone.csv", "gone.csv cannot be read: No such file"),
        (tmp_path, " cannot be read: "),
        (tmp_path / "x.csv", "x.csv cannot be read: it is not text in UTF-8"),
        ([[1, 2]], "table = list is not allowed; it must be a path or a DataFrame"),
    ):
        with pytest.raises(TableError, match=says):
            table(source)
    gap = rows()
    gap.loc[4, "b"] = np.nan
    with pytest.raises(TableError, match=r"^the table, row 4, column 'b': nan is not finite$"):
        table(gap)


def test_a_split_is_disjoint_nested_and_scaled_by_what_is_trained_on():
    found = table(rows())
    small, large = split(found, 50, [0]), split(found, 100, [0])
    assert small.x.shape == (50, 3) and small.x_test.shape == (100, 3) and large.x_test.shape == (50, 3)
    for part in (small.x, small.y):
        np.testing.assert_allclose(part.mean(0), 0, atol=1e-12)
        np.testing.assert_allclose(part.std(0), 1)
    raw = [(p.y - p.y[0]) / (p.y[1] - p.y[0]) for p in (small, large)]
    np.testing.assert_allclose(raw[1][:50], raw[0])
    with pytest.raises(
        ValueError, match="n_train = 141 is not allowed with a table of 150 rows; it must be at most 140"
    ):
        split(found, 141, [0])


@pytest.mark.parametrize("name", TAKERS)
def test_an_experiment_on_a_table_keeps_the_contract(name):
    experiment = on_table(name, rows())
    made = list(experiment.frames("quick"))
    others = list(experiment.frames("quick", seed=1))
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
        assert not list(runs_well(experiment, values, 2)), values


def test_the_numbers_are_those_of_the_table():
    """A target that a straight plane gives is learned; one of pure noise is not."""
    straight, noise = rows(), rows()
    straight["y"] = straight.a - straight.b
    noise["y"] = np.random.default_rng(9).standard_normal(len(noise))
    kan = [float(on_table("kan_assessment.train", t).run("quick").test[-1]) for t in (straight, noise)]
    assert kan[0] < 0.3 and kan[1] > 0.9
    spike = [
        on_table("double_descent.model_wise", t).run("quick", label_noise=0).test.mean("repeat")
        for t in (straight, noise)
    ]
    assert float(spike[0][-1]) < 0.2 and float(spike[1][-1]) > 0.8


def test_a_sweep_is_of_this_table(tmp_path):
    codes = [on_table("double_descent.model_wise", t).code for t in (rows(), rows(), rows(seed=1))]
    assert codes[0] == codes[1] != codes[2]
    done = sweep(on_table("double_descent.model_wise", rows()), out=tmp_path, budget="quick", n_train=[40, 60])
    assert (done.point_state == "done").all() and dict(done.sizes)["n_train"] == 2


def test_on_the_command_line(file):
    def labcore(*words):
        return subprocess.run(
            [sys.executable, "-m", "labcore", *words], cwd=file.parent, env=os.environ, capture_output=True, text=True
        )

    run = ("run", "double_descent.model_wise", "--budget", "quick")
    done = labcore(*run, "--table", "my.csv", "--columns", "a,b,y", "--n-train", "40")
    assert done.returncode == 0 and "on 40 rows of your table" in done.stdout, done
    for more, says in (
        (("--table", "my.csv", "--columns", "a,z"), "there is no column 'z'"),
        (("--table", "gone.csv"), "gone.csv cannot be read"),
        (("--columns", "a,b"), "--columns are those of a table; name it, --table FILE.csv"),
        (("--table", "my.csv", "--data", "digits"), "there is no parameter 'data'"),
    ):
        done = labcore(*run, *more)
        assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1, done
    assert "No such option" in labcore("run", "quadratic.neuron", "--table", "my.csv").stderr
    done = labcore("sweep", *run[1:], "--table", "my.csv", "--n-train", "40,50", "--out", "runs")
    assert done.returncode == 0 and "2 of 2 points" in done.stderr, done


def test_an_experiment_without_a_table_says_which_have_one():
    with pytest.raises(LookupError, match="^noble.sharp takes no table; double_descent.model_wise and kan_assessment"):
        on_table("noble.sharp", rows())
