"""What of a file can change a number: held against Python's own syntax trees."""

import ast
from pathlib import Path

import pytest

import labcore
from labcore.essence import essence

ROOT = Path(labcore.__file__).parent
OWN = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def tree(text):
    """The syntax tree with nothing in docstrings, and only the type in `Annotated[type, ...]`."""
    whole = ast.parse(text)
    counts = [a.annotation for a in ast.walk(whole) if isinstance(a, ast.arg) and a.arg == "n_seeds" and a.annotation]
    names = {hint.id for hint in counts if isinstance(hint, ast.Name)}
    aliases = [a.value for a in whole.body if isinstance(a, ast.Assign) and getattr(a.targets[0], "id", "") in names]
    kept = {part for hint in counts + aliases for part in ast.walk(hint)}
    for node in ast.walk(whole):
        first = node.body[0] if isinstance(node, OWN) and node.body else None
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            first.value.value = ""
        annotated = isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == "Annotated"
        if annotated and isinstance(node.slice, ast.Tuple) and node not in kept:
            node.slice = node.slice.elts[0]
    return ast.dump(whole)


def test_every_file_of_labcore_keeps_all_that_computes():
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert tree(essence(text)) == tree(text), path


CODE = '''"""A walk."""

import numpy as np  # arrays

# the number of steps
N = 3


def walk(rate: Annotated[float, number(0, 1, "how (fast]", label="rate \'r\'")] = 0.5, way: Literal["a", "b"] = "a",
         n_seeds: Annotated[int, number(1, 9)] = 3):
    """One step."""
    text = """a # b

    c"""
    return f"{rate} # {way}", text, {"k": "v, ["}
'''
SAME = [
    CODE.replace("arrays", "it's all here"),
    CODE.replace("# the number of steps\n", ""),
    CODE.replace("\n\n\n", "\n\n"),
    CODE.replace("One step.", "Two steps, in 'quotes' # and more"),
    CODE.replace("number(0, 1", "number(0, 2"),
    CODE.replace("how (fast]", "how fast, [really"),
]
OTHER = [
    CODE.replace("N = 3", "N = 4"),
    CODE.replace("= 0.5", "= 0.6"),
    CODE.replace("a # b", "a # c"),
    CODE.replace("a # b\n\n", "a # b\n"),
    CODE.replace("} # {", "} ? {"),
    CODE.replace("float, number", "int, number"),
    CODE.replace('Literal["a", "b"]', 'Literal["a", "c"]'),
    CODE.replace("v, [", "v, ]"),
    CODE.replace("number(1, 9)", "number(1, 8)"),
]


@pytest.mark.parametrize("text", SAME)
def test_words_and_limits_are_no_part_of_it(text):
    assert text != CODE and essence(text) == essence(CODE)


@pytest.mark.parametrize("text", OTHER)
def test_whatever_computes_is(text):
    assert text != CODE and essence(text) != essence(CODE)


def test_a_name_for_the_limits_of_repetitions_keeps_them():
    code = "Runs = Annotated[int, number(1, 9)]\nRate = Annotated[int, number(1, 9)]\n\ndef f(n_seeds: Runs = 3): ...\n"
    assert essence(code) != essence(code.replace("9)", "8)", 1))
    assert essence(code) == essence(
        code.replace("Rate = Annotated[int, number(1, 9)", "Rate = Annotated[int, number(1, 8)")
    )
