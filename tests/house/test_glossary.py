"""The glossary: words of the field, each told in two plain sentences, and met in a lesson."""

from __future__ import annotations

import re

from labcore import catalog, glossary, lesson_text


def test_there_are_thirty_to_sixty_terms_and_none_is_told_twice():
    terms = glossary.terms()
    assert 30 <= len(terms) <= 60
    every = [form.lower() for term in terms for form in term.every]
    assert sorted(every) == sorted(set(every))


def test_a_meaning_is_two_plain_sentences():
    for term in glossary.terms():
        sentences = re.findall(r"[^.]+\.(?= [A-Z]|$)", term.means)
        assert len(sentences) == 2 and "".join(sentences) == term.means, term.word
        assert len(term.means) <= 240 and "$" not in term.means, term.word


def test_every_term_is_met_in_a_lesson():
    prose = " ".join(lesson_text._prose(lesson) for lesson in catalog.lessons()).lower()
    for term in glossary.terms():
        assert any(re.search(rf"(?<![\w-]){re.escape(form.lower())}s?(?![\w-])", prose) for form in term.every), (
            term.word
        )
