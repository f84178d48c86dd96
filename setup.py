"""What pyproject.toml cannot say: files that lie outside the packages and belong into a wheel.

`labcore.ledger` and `labcore.lesson_files` look for them there first. A checkout, and an editable installation of one,
has them where they are.
"""

from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PLACES = {"notebooks": "lessons", ".jupyter": "jupyter"}
PLACES |= {"docs/ledger.json": "ledger.json", "docs/teaching.md": "teaching.md"}


class BuildAll(build_py):
    """The packages, and beside labcore's own files the lessons, their settings, the record of claims, the notes."""

    def _more(self) -> Iterator[tuple[Path, Path]]:
        """Each file with its place in the wheel."""
        for place, name in PLACES.items():
            found = [Path(place)] if Path(place).is_file() else sorted(Path(place).rglob("*.*"))
            for path in found:
                if path.suffix in (".ipynb", ".json", ".md") and not path.parent.name.startswith(".ipynb"):
                    yield path, Path(self.build_lib, "labcore", name, path.relative_to(place))

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for path, target in self._more():
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        more = [] if self.editable_mode else [str(target) for _, target in self._more()]
        return [*super().get_outputs(include_bytecode), *more]

    def get_source_files(self) -> list[str]:
        """What a source distribution holds, too."""
        return [*super().get_source_files(), *(str(path) for path, _ in self._more())]


setup(cmdclass={"build_py": BuildAll})
