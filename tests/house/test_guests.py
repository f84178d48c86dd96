"""Papers that are not of the house: your own folders, and those of installed packages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labcore import catalog, new_paper
from labcore.claims import Seeds, measure
from labcore.code_version import code_version
from labcore.guests import BrokenPaper
from labcore.import_closure import closure
from labcore.live_code import changed
from labcore.sweeps import SweepError, sweep
from widgets.atlas.cards import atlas, paper_card

ROOT = Path(catalog.__file__).parents[1]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A scratch folder that is the current one; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LABCORE_PAPERS", raising=False)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("my_"):
            del sys.modules[name]


def labcore(*words, at, **variables):
    environment = {**os.environ, "XDG_CACHE_HOME": str(at / "cache"), "COLUMNS": "100", "NO_COLOR": "1"}
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    # as the command `labcore`, for which the current folder is not on Python's path
    code = f"import sys; sys.path.remove(''); from labcore.cli import main; sys.argv = ['labcore', *{words!r}]; main()"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=at, env=environment, capture_output=True, text=True, timeout=300
    )


# --- labcore new ---


def test_a_new_paper_is_a_paper_as_any_other(here):
    folder = new_paper.new("my_idea")
    assert folder == here / "my_idea" and folder.is_dir()
    [row] = catalog.guests()
    assert (row.key, row.status, row.experiments, row.of) == ("my_idea", "ready", ("course",), f"the folder {here}")
    frame = catalog.load_experiment("my_idea.course").run("quick")
    assert frame.attrs["experiment"] == "my_idea.course"
    [entry] = measure(["my_idea"], Seeds(5))
    assert entry.verdict == "holds" and entry.key == "my_idea"
    assert [p.name for p in here.iterdir()] == ["my_idea"], "no draft is left"


def test_a_copy_is_another_paper_and_the_first_stays_as_it_is(here):
    before = {p: p.read_bytes() for p in catalog.paper("quadratic").folder.glob("*.py")}
    new_paper.new("my_quadratic", "quadratic")
    made = catalog.load_experiment("my_quadratic.neuron")
    assert made.id == "my_quadratic.neuron" and made.view.__module__ == "my_quadratic.view"
    real = catalog.load_experiment("quadratic.neuron")
    assert made.run("quick").drop_attrs().equals(real.run("quick").drop_attrs())
    assert code_version("my_quadratic") != code_version("quadratic")
    assert {p: p.read_bytes() for p in catalog.paper("quadratic").folder.glob("*.py")} == before
    without = catalog.load_part("my_quadratic", "without").WITHOUT
    assert without.shows == "my_quadratic.neuron" and without.path.parent == here / "my_quadratic"
    assert not list(without.frames(budget="quick"))[-1].equals(made.run("quick"))


def test_a_change_changes_the_numbers_and_the_version(here):
    folder = new_paper.new("my_slope")
    version = code_version("my_slope")
    mechanism = folder / "mechanism.py"
    mechanism.write_text(mechanism.read_text("utf-8").replace("x - rate * (x + noise[t])", "x"), "utf-8")
    told = "from labcore.code_version import code_version; print(code_version('my_slope'))"
    assert subprocess.check_output([sys.executable, "-c", told], cwd=here, text=True).strip() != version
    assert (catalog.load_experiment("my_slope.course").run("quick").distance == 1).all()


def test_a_sweep_refuses_a_copy_that_was_edited_after_it_was_loaded(here, monkeypatch):
    monkeypatch.syspath_prepend(str(here))  # as in a notebook
    folder = new_paper.new("my_edited")
    (here / "my_helper.py").write_text("def noise(x):\n    return x\n", "utf-8")
    file = folder / "experiments.py"
    file.write_text(file.read_text("utf-8").replace("import numpy", "import my_helper\nimport numpy"), "utf-8")
    assert catalog.load_experiment("my_edited.course").code and changed("my_edited.experiments") is None
    assert here / "my_helper.py" in closure(file), "what lies beside the folder counts"
    mechanism = folder / "mechanism.py"
    mechanism.write_text(mechanism.read_text("utf-8").replace("x - rate", "x - 2 * rate"), "utf-8")
    assert changed("my_edited.experiments") == "my_edited.mechanism.descend"
    with pytest.raises(SweepError, match="my_edited.mechanism.descend is not what its file says"):
        sweep("my_edited.course", out=here / "runs", budget="quick", rate=[0.1, 0.2])


def test_kernels_of_a_copy_are_kept_beside_it(here):
    folder = new_paper.new("my_kernels")
    catalog.load_experiment("my_kernels.course").run("quick")
    assert [p.name for p in (folder / "__pycache__").glob("*descend*.nbi")]


def test_a_copy_of_a_copy(here):
    new_paper.new("my_first", "s_kan")
    new_paper.new("my_second", "my_first")
    assert catalog.load_experiment("my_second.families").id == "my_second.families"
    assert "my_first" not in "".join(p.read_text("utf-8") for p in (here / "my_second").glob("*.py"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["noble"], "key = 'noble' is not allowed; it is a paper of the house, which cannot be replaced"),
        (["My-Noble"], "key = 'My-Noble' is not allowed; it must be of small letters, digits and _, as my_noble"),
        (["../x"], "key = '../x' is not allowed; it must be of small letters"),
        (["class"], "key = 'class' is not allowed"),
        (["torch"], "key = 'torch' is not allowed; it is the name of an installed module"),
        (["there"], "key = 'there' is not allowed; {here}/there is there already"),
        (["mine", "--from", "nobel"], "there is no paper 'nobel'; did you mean noble?"),
        (["mine", "--from", "surrogate_gradient"], "surrogate_gradient is planned"),
    ],
)
def test_what_cannot_be_made_is_one_line(here, words, says):
    if "surrogate_gradient" in words:
        planned = next(p.key for p in catalog.papers() if p.status == "planned")
        words, says = [*words[:-1], planned], f"{planned} is planned: it has no experiments yet, and so nothing to copy"
    (here / "there").mkdir()
    done = labcore("new", *words, at=here)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stdout == "", done
    assert done.stderr.startswith("labcore: " + says.format(here=here)), done.stderr
    assert not [p for p in here.iterdir() if p.name not in ("there", "cache")]


def test_a_folder_that_cannot_be_written_is_one_line(here):
    (here / "gone").mkdir()
    code = "import os, sys; from labcore.cli import main; os.rmdir(os.getcwd()); sys.argv[1:] = 'new', 'x'; main()"
    told = subprocess.run([sys.executable, "-c", code], cwd=here / "gone", capture_output=True, text=True)
    assert told.returncode == 1 and told.stderr.startswith("labcore: cannot make x: ") and told.stderr.count("\n") == 1


# --- on the command line ---


def test_the_commands_work_on_a_copy(here):
    assert labcore("new", "my_idea", at=here).returncode == 0
    shown = labcore("list", "idea", at=here).stdout
    assert f"Guests  the folder {here}" in shown and "my_idea.course" in shown
    done = labcore("run", "my_idea.course", "--steps", "50", at=here)
    assert done.returncode == 0 and done.stdout.startswith("Over the second half of 50 steps"), done
    done = labcore("sweep", "my_idea.course", "--rate", "0.1,0.2", "--budget", "quick", "--out", "runs", at=here)
    assert done.returncode == 0 and "2 of 2 points" in done.stderr, done
    done = labcore("claims", "my_idea", at=here)
    assert done.returncode == 0 and done.stdout.startswith("holds "), done


def test_compare_says_which_claims_survive(here):
    new_paper.new("my_idea")
    new_paper.new("my_change", "my_idea")
    claims = here / "my_change" / "claims.py"
    text = claims.read_text("utf-8")
    claims.write_text(text.replace("rate in (0.5, 0.05)", "rate in (0.05, 0.05)"), "utf-8")
    done = labcore("claims", "my_idea", "my_change", "--compare", at=here)
    assert done.returncode == 1 and "0 of 1 claims that hold in my_idea survive in my_change." in done.stdout, done
    assert "smaller_steps_end_nearer: holds -> broken" in done.stdout
    head = done.stdout.splitlines()[1]
    assert head.split() == ["claim", "my_idea", "my_change"], "side by side"
    claims.write_text(text.replace("    large,", "    raise RuntimeError('no')\n    large,"), "utf-8")
    done = labcore("claims", "my_idea", "my_change", "--compare", at=here)
    assert "holds -> raised" in done.stdout and "Traceback" not in done.stderr
    claims.write_text(text.replace("def smaller_steps_end_nearer", "def other"), "utf-8")
    done = labcore("claims", "my_idea", "my_change", "--compare", at=here)
    assert done.returncode == 0 and "holds -> not there" in done.stdout and "Only in my_change: other." in done.stdout
    done = labcore("claims", "my_idea", "--compare", at=here)
    assert done.returncode == 2 and "--compare takes two papers" in done.stderr


def test_a_paper_that_cannot_be_imported_is_one_line_with_the_place(here):
    new_paper.new("my_idea")
    (here / "my_idea" / "mechanism.py").write_text("import nothing_of_this_name\n", "utf-8")
    for words in (["run", "my_idea.course"], ["claims", "my_idea", "quadratic", "--compare"]):
        done = labcore(*words, at=here)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done
        assert "my_idea cannot be imported: ModuleNotFoundError: No module named 'nothing_of_this_name'" in done.stderr
        assert "mechanism.py, line 1)" in done.stderr
    done = labcore("claims", "my_idea", at=here)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "my_idea cannot be imported" in done.stdout
    (here / "my_idea" / "mechanism.py").write_text("def (\n", "utf-8")
    with pytest.raises(BrokenPaper, match=r"my_idea cannot be imported: SyntaxError: .*mechanism\.py, line 1\)$"):
        catalog.load_experiment("my_idea.course")


# --- which folders are guests ---


def row(folder, text='title = "A"\nyear = 2026\nidea = "B."\n'):
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "paper.toml").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("noble", None, "noble is a paper of the house, which cannot be replaced"),
        ("My_Noble", None, "its name must be of small letters"),
        ("sympy", None, "sympy is the name of an installed module"),
        ("mine", "title = ", "paper.toml cannot be read: "),
        ("mine", 'title = "A"\nyear = 2026', "paper.toml has no 'idea'; it needs title, year, idea"),
        ("mine", 'title = "A"\nyear = "x"\nidea = "B"', "year = 'x' is not allowed; it must be a whole number"),
        ("mine", 'titel = "A"', "paper.toml has a field 'titel'; it may have title"),
        ("mine", 'words = [1]', "words = [1] is not allowed; it must be a list of texts"),
        ("mine", 'title = "A"\nyear = 1\nidea = "B"\ntheme = "kann"', "there is no theme 'kann'; did you mean kan?"),
        ("mine", 'title = "A"\nyear = 1\nidea = "B"\nsource = "x:1"', "it must be arXiv:NUMBER or doi:NAME"),
    ],
)  # fmt: skip
def test_a_broken_folder_is_one_line_and_the_others_are_there(here, monkeypatch, name, text, says):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    row(here / name, *([text] if text else []))
    row(here / "my_other")
    assert [p.key for p in catalog.guests()] == ["my_other"]
    [line] = catalog.left_out()
    assert line.startswith(f"{name} of the folder {here} is left out: ") and says in line and "\n" not in line
    done = labcore("list", at=here)
    assert done.returncode == 0 and "my_other" in done.stdout and line in done.stderr.splitlines()
    if name == "mine":
        with pytest.raises(BrokenPaper, match="^mine of the folder .* is left out: "):
            catalog.paper(name)


def test_the_house_is_asked_first(here):
    row(here / "noble")
    assert catalog.paper("noble").folder == ROOT / "labcore" / "kan" / "noble"


def test_folders_of_the_environment(here, tmp_path_factory, monkeypatch):
    shelf = tmp_path_factory.mktemp("shelf")
    new_paper.new("my_shelved", where=shelf)
    row(here / "my_twice"), row(shelf / "my_twice")
    monkeypatch.setenv("LABCORE_PAPERS", os.pathsep.join([str(shelf), str(here), str(here / "gone")]))
    assert {p.key: p.of for p in catalog.guests()} == {
        "my_twice": f"the folder {here}",
        "my_shelved": f"the folder {shelf}",
    }
    assert catalog.left_out() == [
        f"LABCORE_PAPERS names {here / 'gone'}, which is no folder",
        f"my_twice of the folder {shelf} is left out: my_twice is a paper of the folder {here}, which cannot be "
        "replaced; call the folder otherwise",
    ]
    done = labcore("run", "my_shelved.course", "--budget", "quick", at=here)
    assert done.returncode == 0, done.stderr


def test_a_folder_of_a_name_that_is_loaded_is_refused(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "my_idea", type(sys)("my_idea"))
    row(here / "my_idea")
    assert not catalog.guests() and "my_idea is the name of an installed module" in catalog.left_out()[0]


def test_finding_guests_imports_none_of_them(here):
    folder = row(here / "my_hostile")
    for name in ("__init__", "experiments", "claims", "view"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')\n", "utf-8")
    code = "import sys; from labcore import catalog; print([p.key for p in catalog.guests()], 'numpy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True)
    assert told.stdout == "['my_hostile'] False\n", told


def test_no_guest_is_found_where_visitors_are_served(here, monkeypatch):
    row(here / "my_hostile")
    monkeypatch.setenv("LABCORE_HOUSE_ONLY", "1")
    assert not catalog.guests() and not catalog.left_out()
    with pytest.raises(catalog.UnknownKey):
        catalog.paper("my_hostile")


# --- installed packages ---


@pytest.fixture
def package(here):
    """A package as pip leaves it, with two papers and one that cannot be imported, and three others that are broken."""
    site = here / "site"

    def install(name, value):
        facts = site / f"{name}-1.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (facts / "entry_points.txt").write_text(f"[labcore.papers]\npapers = {value}\n", "utf-8")

    install("their-lab", "their_lab.papers")
    papers = site / "their_lab" / "papers"
    shutil.copytree(new_paper.BLANK, papers / "theirs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(new_paper.BLANK, papers / "noble", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (papers.parent, papers):
        (folder / "__init__.py").touch()
    for name in ("theirs", "noble"):
        text = 'title = "Of <others>"\nyear = 2025\nidea = "Q."\ntheme = "kan"\nwords = ["zebra"]\n'
        (papers / name / "paper.toml").write_text(text, "utf-8")
    row(papers / "sick")
    (papers / "sick" / "experiments.py").write_text("@experiment\ndef x(): ...\n", "utf-8")
    install("gone", "gone.papers")
    install("odd", "their_lab.papers:thing")
    return site


def test_an_installed_package_brings_papers(here, package):
    def run(*words):
        return labcore(*words, at=here, PYTHONPATH=os.pathsep.join([str(ROOT), str(package)]))

    done = run("list", "zebra")
    assert "Guests  the package their-lab" in done.stdout and "theirs.course" in done.stdout, done
    assert "1 of 1 papers are ready." in done.stdout, "the search finds it, and it alone"
    assert sorted(done.stderr.splitlines()) == [
        "noble of the package their-lab is left out: noble is a paper of the house, which cannot be replaced; call the "
        "folder otherwise",
        "the papers of the package gone are left out: its entry point is papers = 'gone.papers'; there is no package "
        "gone.papers in a folder",
        "the papers of the package odd are left out: its entry point is papers = 'their_lab.papers:thing'; it must "
        "name a package, as my_package.papers",
    ]
    rows = json.loads(run("list", "--theme", "kan", "--json").stdout)
    assert {r["key"]: r["of"] for r in rows if r["of"]} == {"theirs": "the package their-lab"}
    assert run("run", "theirs.course", "--budget", "quick").stdout.startswith("Over the second half")
    assert run("claims", "theirs").stdout.startswith("holds ")
    done = run("run", "sick.x")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done
    assert "sick cannot be imported: NameError: name 'experiment' is not defined" in done.stderr
    done = run("new", "theirs")
    assert "the package their-lab has a paper of this name" in done.stderr


def test_guests_are_in_the_atlas_and_marked(here, package, monkeypatch):
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("LABCORE_FRONTEND", "live")
    catalog.outside._brought.cache_clear()
    try:
        found = catalog.paper("theirs")
        card = paper_card(found)
        assert "A guest, of the package their-lab." in card and "Of &lt;others&gt;" in card and "<a " not in card
        shown = atlas()
        assert card in shown.papers and "gone.papers" in shown.summary
    finally:
        catalog.outside._brought.cache_clear()
