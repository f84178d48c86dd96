"""Words that people type, and the papers and lessons that must come."""

import json
import subprocess
import sys

import pytest

from labcore import catalog, search

KAN = {"kan_assessment", "af_kan", "s_kan", "karat", "quadratic", "separable", "noble"}

# what must be found; those marked "only" are all that may be
WORDS = {
    "Hopfield": {"multitasking_hebbian"},
    "spline": {"kan_assessment", "s_kan", "separable"},
    "KAN": KAN,
    "KANs": KAN,
    "Kolmogorov–Arnold": KAN,
    "LTP": {"symmetric_stdp", "stdp_homeostasis", "electronic_synapse"},
    "long-term potentiation": {"symmetric_stdp", "electronic_synapse"},
    "overparameterisation": {"double_descent", "epochwise_descent"},
    "overparameterization": {"double_descent", "epochwise_descent"},
    "over-parametrized": {"double_descent", "epochwise_descent"},
    "backprop": {"electronic_synapse", "noprop", "perforated_backprop", "spiking_review"},
    "backpropagation": {"electronic_synapse", "noprop", "perforated_backprop", "spiking_review"},
    "STDP": {"symmetric_stdp", "stdp_homeostasis", "spiking_review"},
    "spike timing": {"symmetric_stdp", "stdp_homeostasis"},
    "SNN": {"symmetric_stdp", "ultra_lif", "spikformer", "spiking_diffusion"},
    "graph neural network": {"masked_gate_modeling", "symbolic_synthesis", "sir_gcn", "epistemic_gnn"},
    "attention": {"karat", "neural_circuit_diagrams", "kronecker_attention", "macaron"},
    "memristor": {"electronic_synapse", "liquid_state"},
    "Kuramoto": {"dynamical_intelligence"},
    "catastrophic forgetting": {"hebbian_projection", "kan_assessment"},
    "regularisation": {"double_descent"},
    "quantum": {"qnlp"},
    "architecture search": {"darts_selection", "rarts", "partial_channels", "efficient_tdnn"},
    "PINN": {"lagrangian_pinn", "hard_constraints"},
    "ODE": {"singular_ode", "neural_differential"},
    "Erdős": {"ensemble_to_ensemble"},
    "grokking": {"modular_addition"},
}


def found(typed):
    return {p.key for p in search.find(typed, catalog.papers())}


@pytest.mark.parametrize("typed", WORDS)
def test_words_that_people_type_find_the_papers(typed):
    assert found(typed) >= WORDS[typed]
    assert len(found(typed)) <= 20, "a word that finds everything finds nothing"


@pytest.mark.parametrize("typed", ["KAN", "Hopfield", "STDP", "grokking", "overparameterisation"])
def test_they_find_nothing_else(typed):
    more = {"Hopfield": {"muon_tail"}}  # about associative memory
    assert found(typed) == WORDS[typed] | more.get(typed, set())


def test_a_lesson_is_found_by_the_words_of_its_papers():
    assert {row.name for row in search.find("kan", catalog.lessons())} == {
        row.name for row in catalog.lessons() if row.name.startswith("kan/")
    }
    found = {row.name for row in search.find("HOPFIELD", catalog.lessons())}
    assert found == {"hebbian/parallel_memory", "generalization/rare_facts"}, "both are on associative memory"


def test_every_word_narrows_the_search():
    assert found("double descent") == found("double") & found("descent")
    assert found("") == found("  ,") == {p.key for p in catalog.papers()}
    assert found("descent zzzz") == set()


@pytest.mark.parametrize("typed", ["(", "\\", "<img src=x>", "[a-", "*"])
def test_any_text_is_only_words(typed):
    assert found(typed) == found("".join(c for c in typed if c.isalnum() or c == " "))


def test_the_command_line_searches_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "labcore", "list", "--json", "hopfield"], capture_output=True, text=True, check=True
    )
    assert {row["key"] for row in json.loads(done.stdout)} == found("hopfield")
    nothing = subprocess.run([sys.executable, "-m", "labcore", "list", "zzzz"], capture_output=True, text=True)
    assert nothing.returncode == 0 and "No paper fits 'zzzz'" in nothing.stdout


def test_groups_of_words_are_groups_and_none_is_there_twice():
    groups = [[search.fold(word) for word in group] for group in catalog.alike()]
    assert all(len(group) > 1 for group in groups)
    every = [word for group in groups for word in group]
    assert sorted(every) == sorted(set(every))
