"""What a class's addresses answer: who may ask, how much, and from where."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from tests.browser.front import write_notebook
from widgets.gallery.class_pages import (
    COOKIE,
    LARGEST,
    ClassAnswers,
    TeacherAnswers,
    TeacherPage,
    Teaching,
    class_script,
    give_cookie,
    teaching_page,
)
from widgets.gallery.guesses import BURST, Guesses
from widgets.gallery.server import Gallery

CELL = """bench("a.b", predict=Prediction("How </script><i>many?", ("None", "A few"), right=print))"""
ANSWER = {"lesson": "lesson", "bench": "a.b", "round": 1, "answer": 1}


class Served:
    """A server with a class's addresses. `ask` sends as a page of its own does, unless it is told otherwise."""

    def __init__(self, guesses: Guesses | None, port: int):
        self.guesses, self.host = guesses, f"localhost:{port}"

    async def ask(self, path: str, body=None, cookie: str | None = None, teacher: str | None = None, **headers: str):
        sent = {"Host": self.host, "Origin": f"http://{self.host}"} | headers
        sent |= {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        sent |= {"Labcore-Teacher": teacher} if teacher else {}
        raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        return await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{self.host.split(':')[1]}/{path}",
            method="GET" if body is None else "POST",
            body=raw,
            headers={k: v for k, v in sent.items() if v},
            raise_error=False,
        )


@pytest.fixture
def served(tmp_path) -> Callable:
    """Run a conversation with such a server, in a class or without one."""
    write_notebook(tmp_path / "lesson.ipynb", CELL)

    def run(talk: Callable, a_class: bool = True):
        guesses = Guesses({"lesson": tmp_path / "lesson.ipynb"}) if a_class else None

        async def all_of_it():
            room = SimpleNamespace(hosts=[], guesses=guesses, addresses=[])
            kinds = {
                "class": ClassAnswers,
                "teacher": TeacherPage,
                "teacher/answers": TeacherAnswers,
                "teaching": Teaching,
            }
            rows = [(f"/labcore/{name}", kind, {"base_url": "/"}) for name, kind in kinds.items()]
            server = HTTPServer(Application(rows, room=room, xsrf_cookies=True))
            listening, port = bind_unused_port()
            server.add_socket(listening)
            try:
                return await talk(Served(guesses, port))
            finally:
                server.stop()
                await server.close_all_connections()

        return asyncio.run(all_of_it())

    return run


def said(response: HTTPResponse) -> dict:
    return json.loads(response.body)


def test_a_visitor_commits_and_the_teacher_shows(served):
    async def talk(s: Served):
        cookie, deed = s.guesses.new_cookie(), {k: v for k, v in ANSWER.items() if k != "answer"}
        first = await s.ask("labcore/class", ANSWER, cookie)
        assert first.code == 200 and said(first)["rounds"] == [] and said(first)["mine"] == 1
        seen = await s.ask("labcore/teacher/answers", teacher=s.guesses.token)
        assert said(seen)["questions"][0]["rounds"] == [{"of": 1, "counts": [0, 1]}]
        shown = await s.ask("labcore/teacher/answers", deed | {"do": "show"}, teacher=s.guesses.token)
        assert said(shown)["questions"][0]["shown"] == 1
        now = await s.ask("labcore/class?lesson=lesson", cookie=cookie)
        assert said(now)["questions"]["a.b"]["rounds"] == [{"of": 1, "counts": [0, 1]}]
        assert now.headers["Cache-Control"] == "no-store"

    served(talk)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 4000, b"\xff\xfe", b"null", b"[]", b'{"lesson": NaN}', b"1" * 4000, {**ANSWER, "answer": 7}],
    ids=repr,
)
def test_a_wrong_body_is_400_and_nothing_is_lost(served, body):
    async def talk(s: Served):
        cookie = s.guesses.new_cookie()
        await s.ask("labcore/class", ANSWER, cookie)
        before = s.guesses.overview()
        wrong = await s.ask("labcore/class", body, cookie)
        assert wrong.code == 400 and said(wrong)["words"]
        deed = await s.ask("labcore/teacher/answers", body, teacher=s.guesses.token)
        assert deed.code == 400
        assert s.guesses.overview() == before

    served(talk)


def test_a_large_body_is_refused_unread(served):
    async def talk(s: Served):
        cookie = s.guesses.new_cookie()
        body = json.dumps(ANSWER).encode()
        assert (await s.ask("labcore/class", body + b" " * (LARGEST - len(body)), cookie)).code == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", int(s.host.split(":")[1]))
        head = f"POST /labcore/class HTTP/1.1\r\nHost: {s.host}\r\nOrigin: http://{s.host}\r\n"
        writer.write(f"{head}Content-Length: {LARGEST + 1}\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 20)  # it does not wait for the body
        assert answer.startswith(b"HTTP/1.1 400")
        writer.close()

    served(talk)


def test_other_sites_strangers_and_other_names_are_refused(served):
    async def talk(s: Served):
        cookie, token = s.guesses.new_cookie(), s.guesses.token
        port = s.host.split(":")[1]
        for origin in ("", "null", "http://evil.example", f"http://localhost:{int(port) + 1}"):
            assert (await s.ask("labcore/class", ANSWER, cookie, Origin=origin)).code == 403
            assert (await s.ask("labcore/teacher/answers", {}, teacher=token, Origin=origin)).code == 403
        evil = {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"}
        assert (await s.ask("labcore/class", ANSWER, cookie, **evil)).code == 403
        for stranger in (None, "me", Guesses({}).new_cookie()):
            assert (await s.ask("labcore/class", ANSWER, stranger)).code == 403
            assert (await s.ask("labcore/class?lesson=lesson", cookie=stranger)).code == 403
        for secret in (None, "x", Guesses({}).token):
            assert (await s.ask("labcore/teacher/answers", teacher=secret)).code == 403
            assert (await s.ask("labcore/teacher/answers", {}, teacher=secret)).code == 403
            assert (await s.ask("labcore/teaching", teacher=secret)).code == 403
        assert (await s.ask("labcore/class?lesson=other", cookie=cookie)).code == 400
        assert s.guesses.overview()[0]["rounds"] == [{"of": 0, "counts": [0, 0]}]

    served(talk)


def test_who_asks_without_end_waits(served):
    async def talk(s: Served):
        one, two = s.guesses.new_cookie(), s.guesses.new_cookie()
        codes = [(await s.ask("labcore/class", ANSWER, one)).code for _ in range(2 * BURST)]
        assert codes[:BURST] == [200] * BURST and 429 in codes[BURST:]
        assert (await s.ask("labcore/class", ANSWER, two)).code == 200

    served(talk)


def test_the_teachers_page_holds_no_secret_and_no_word_that_runs(served):
    async def talk(s: Served):
        page = await s.ask("labcore/teacher")
        assert page.code == 200 and s.guesses.token not in page.body.decode()
        assert page.headers["X-Frame-Options"] == "DENY"

    served(talk)
    assert "</script><i>" not in class_script("</script><i>", "/")


def test_notes_are_read_by_all_where_there_is_no_class(served):
    async def talk(s: Served):
        page = await s.ask("labcore/teaching")
        assert page.code == 200 and page.body.decode() == teaching_page()

    served(talk, a_class=False)


def test_a_browser_keeps_its_cookie():
    guesses, given = Guesses({}), []
    mine = guesses.new_cookie()
    for brought in (None, "x", mine):
        handler = SimpleNamespace(
            get_cookie=lambda _, brought=brought: brought, set_cookie=lambda *a, **k: given.append((a, k))
        )
        give_cookie(handler, guesses, "/labcore/")
    assert len(given) == 2
    for (name, value), how in given:
        assert name == COOKIE and guesses.visitor(value)
        assert how == {"path": "/labcore/", "httponly": True, "samesite": "Lax"}


def test_a_class_is_an_option_and_its_addresses_are_those_of_the_network(monkeypatch):
    assert Gallery().predictions is False
    gallery = Gallery()
    gallery.parse_command_line(["--class", "--Voila.ip=0.0.0.0", "--port=8866"])
    assert gallery.predictions is True
    every = {
        "lo": [SimpleNamespace(family=socket.AF_INET, address="127.0.0.1")],
        "wifi": [
            SimpleNamespace(family=socket.AF_INET, address="192.168.1.7"),
            SimpleNamespace(family=socket.AF_INET6, address="fe80::7"),
        ],
        "none": [SimpleNamespace(family=socket.AF_INET, address="169.254.3.4")],
    }
    monkeypatch.setattr("psutil.net_if_addrs", lambda: every)
    assert gallery._addresses() == ["http://192.168.1.7:8866/"]
    gallery.ip = "localhost"
    assert gallery._addresses() == []
