"""The answers of a gallery that shows a class's predictions: to a visitor's page, to the teacher's, and its notes.

What a page sends is small JSON from this server's own pages, with the visitor's cookie or the teacher's secret. The
secret stands behind the # of the teacher's link, which no browser sends and no log keeps; the page takes it out of the
address, because it is projected.
"""

from __future__ import annotations

import json
import re
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, RequestHandler, stream_request_body

from labcore import catalog
from labcore.lesson_files import TEACHING
from widgets.benches.parts import markdown
from widgets.gallery.guesses import Guesses, Refused
from widgets.gallery.room import known_host
from widgets.teaching import slug

COOKIE = "labcore-class"
LARGEST = 4096  # bytes; the largest drawing has some 150
_TOKEN = "Labcore-Teacher"  # the header of the teacher's secret: another site's page cannot send it unasked
_HERE = Path(__file__).parent
_KATEX = _HERE.parent / "site" / "vendor"
_FORMULAS = ("katex.min.js", "auto-render.min.js")
_CROWD = (_HERE / "crowd.js").read_text(encoding="utf-8")
_CLASS = (_HERE / "class.js").read_text(encoding="utf-8")


def _inline(values: Any) -> str:
    """JSON that may stand in a script of a page."""
    return json.dumps(values).replace("<", "\\u003c")


def class_script(lesson: str, base_url: str) -> str:
    """What a lesson's page gets in a class: it holds a Commit back, and posts it."""
    facts = _inline({"lesson": lesson, "url": url_path_join(base_url, "labcore/class")})
    return f"<script>{{\n{_CROWD}\n{_CLASS.replace('FACTS', facts, 1)}\n}}</script>"


def give_cookie(handler: RequestHandler, guesses: Guesses, base_url: str) -> None:
    """Make the browser a visitor, if it is none. `Lax`, so that a link from elsewhere keeps it the same one."""
    if guesses.visitor(handler.get_cookie(COOKIE)) is None:
        handler.set_cookie(COOKIE, guesses.new_cookie(), path=base_url, httponly=True, samesite="Lax")


@stream_request_body
class _Asked(RequestHandler):
    """JSON in and out, for this server's own pages."""

    def initialize(self, base_url: str = "/") -> None:
        self.base_url, self.body = base_url, b""

    @property
    def guesses(self) -> Guesses:
        return self.settings["room"].guesses

    def prepare(self) -> None:
        self.request.connection.set_max_body_size(LARGEST)  # one that says it is larger is refused unread
        if not known_host(self.request.host, self.settings["room"].hosts):
            raise HTTPError(403)
        origin = urlsplit(self.request.headers.get("Origin", "")).netloc
        if self.request.method == "POST" and origin != self.request.host:
            raise HTTPError(403, "this request comes from another site")

    def check_xsrf_cookie(self) -> None:
        """Where a request comes from is asked in place of a token."""

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk

    def said(self) -> Any:
        """The body. Raises `Refused`."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refused(400, "This is no JSON.") from None

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "no-referrer")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Refused):
            self.set_status(error.status)
        self.finish({"words": str(error) if isinstance(error, Refused) else "This is refused."})

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        if not isinstance(value, Refused):  # it is the page's to say
            super().log_exception(kind, value, trace)

    def visitor(self) -> str:
        """Who asks, counted. Raises `Refused`."""
        name = self.guesses.visitor(self.get_cookie(COOKIE))
        if name is None:
            raise Refused(403, "This page is of another class. Load it again.")
        self.guesses.count(name)
        return name

    def check_teacher(self) -> None:
        if not self.guesses.is_teacher(self.request.headers.get(_TOKEN)):
            raise Refused(403, "This is not the teacher's link.")


class ClassAnswers(_Asked):
    """How a lesson's questions stand for a visitor, and a visitor's answer."""

    def get(self) -> None:
        self.finish({"questions": self.guesses.seen_by(self.visitor(), self.get_query_argument("lesson", ""))})

    def post(self) -> None:
        self.finish(self.guesses.commit(self.visitor(), self.said()))


class TeacherAnswers(_Asked):
    """How all questions stand, and what the teacher does with them."""

    def get(self) -> None:
        self.check_teacher()
        self.finish({"questions": self.guesses.overview()})

    def post(self) -> None:
        self.check_teacher()
        self.guesses.act(self.said())
        self.get()


class TeacherPage(_Asked):
    """The teacher's page. It holds nothing: what it shows, it asks for with the secret of its link."""

    def get(self) -> None:
        titles = {name: _title(name) for name in self.guesses.lessons}
        facts = {"url": url_path_join(self.base_url, "labcore/teacher"), "lessons": titles, "base": self.base_url}
        facts["open"] = self.settings["room"].addresses
        page = (_HERE / "teacher.html").read_text(encoding="utf-8")
        script = (_HERE / "teacher.js").read_text(encoding="utf-8").replace("FACTS", _inline(facts), 1)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page.replace("SCRIPT", f"{_CROWD}\n{script}", 1))


def _title(lesson: str) -> str:
    try:
        return catalog.lesson(lesson).question
    except LookupError:
        return lesson


class Teaching(_Asked):
    """The notes for teachers. They say what is right, so in a class only the teacher reads them here."""

    def get(self) -> None:
        if self.guesses is not None:
            self.check_teacher()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(teaching_page())


def teaching_page() -> str:
    """`docs/teaching.md` as a page: its headings have names for links; of its neighbours it says where they are."""
    style = (_HERE / "teaching.css").read_text(encoding="utf-8")
    text = TEACHING.read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    body = markdown(re.sub(r"\[([^\]]+)\]\((\w+\.md)\)", r"*\1* (docs/\2)", text))
    body = re.sub(r"<h2>(.+?)</h2>", lambda h: f'<h2 id="{slug(unescape(h[1]))}">{h[1]}</h2>', body)
    scripts = "".join(f"<script>{(_KATEX / name).read_text(encoding='utf-8')}</script>" for name in _FORMULAS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<link rel="icon" href="data:,"><style>{style}</style>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f"<body><main>{body}</main>{scripts}"
        '<script>renderMathInElement(document.body, { output: "mathml", throwOnError: false });</script></body></html>'
    )
