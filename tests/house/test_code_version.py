"""The version of a paper's code: it changes with the page and with what the page imports, and with nothing else."""

import dataclasses

import pytest

from labcore import catalog, code_version
from labcore.catalog import UnknownKey


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small labcore: write files into it, then ask for the version of its one page."""
    page = tmp_path / "theme" / "page.py"
    page.parent.mkdir()
    row = dataclasses.make_dataclass("Row", ["page"])(page)
    monkeypatch.setattr(code_version, "_ROOT", tmp_path)
    monkeypatch.setattr(catalog, "paper", lambda key: row)

    def version(**files):
        for name, text in files.items():
            (tmp_path / name.replace("__", "/")).with_suffix(".py").write_text(text)
        return code_version.code_version.__wrapped__("page")

    return version


def test_the_page_and_what_it_imports_count(house):
    page = "from labcore.near import f\ndef late():\n    import labcore.late\n"
    files = {"theme__page": page, "near": "from labcore import far", "far": "x = 1", "late": "", "other": ""}
    first = house(**files)
    assert house(**files) == first
    for changed in ("theme__page", "near", "far", "late"):
        assert house(**{**files, changed: files[changed] + "\ny = 2"}) != first
    assert house(**{**files, "other": "z = 3"}) == first


def test_the_face_of_a_package_counts_and_what_it_imports(house, tmp_path):
    face = tmp_path / "kit" / "__init__.py"
    face.parent.mkdir()
    face.write_text("from labcore.kit.near import f")
    files = {"theme__page": "from labcore.kit import f", "kit__near": ""}
    first = house(**files)
    second = house(**{**files, "kit__near": "y = 2"})
    face.write_text("from labcore.kit.near import f\ny = 2")
    assert len({first, second, house(**files)}) == 3


def test_modules_that_import_each_other_end(house):
    assert house(theme__page="import labcore.a", a="import labcore.b", b="import labcore.a")


def test_every_ready_paper_has_its_own_version():
    keys = [p.key for p in catalog.papers() if p.status == "ready"]
    assert len({code_version.code_version(key) for key in keys}) == len(keys)


def test_an_unknown_key_is_refused():
    with pytest.raises(UnknownKey):
        code_version.code_version("no_such_paper")
