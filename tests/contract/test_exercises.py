"""One contract for every exercise: nonsense is never right and never a bare error."""

from __future__ import annotations

import pytest

from labcore import catalog
from labcore.exercises import exercises_of

READY = [p.key for p in catalog.papers() if (p.folder / "exercises.py").exists()]


@pytest.mark.parametrize("key", READY)
@pytest.mark.parametrize("text", ["", "abc", "nan", "1e999", "-", "x = ", "__import__('os')", "9" * 400])
def test_nonsense_is_never_right(key, text):
    for exercise in exercises_of(key):
        assert exercise.question.strip()[-1] in ".?)" and "{" not in exercise.question, exercise.name
        try:
            answer = exercise(text)
        except (ValueError, LookupError) as error:  # what a learner reads: "That could not be read: ..."
            assert str(error)
        else:
            assert answer is not True and (answer is False or isinstance(answer, str)), (exercise.name, text, answer)
