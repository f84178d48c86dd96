"""The page about serving names what there is: options of the gallery, their defaults, a unit that systemd reads."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from voila.app import Voila

from widgets.gallery import class_pages, descriptors, guesses, logs, messages, pages
from widgets.gallery.server import Gallery

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
OWNERS = {c.__name__: c for c in (Gallery, Voila, MappingKernelManager)}
UNIT = re.search(r"```ini\n(.*?)```", PAGE, re.DOTALL)[1]
NGINX = re.search(r"```nginx\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--(\w+\.\w+)", PAGE))))
def test_every_option_exists(option):
    owner, name = option.split(".")
    assert name in OWNERS[owner].class_traits(config=True)


def test_the_defaults_are_what_the_page_says():
    told = dict(re.findall(r"^\| `--\w+\.(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    ours = json.loads((ROOT / ".jupyter" / "voila.json").read_text())["MappingKernelManager"]
    traits = Gallery.class_traits(config=True)
    real = {name: ours.get(name) or traits[name].default_value for name in told}
    assert told and {name: int(number) for name, number in told.items()} == real


def of_unit(name: str) -> str:
    """The value of a line of the unit, or of an option in its command."""
    return re.search(rf"(?:^|\s|\.){name}=(\S+)", UNIT)[1]


def test_the_unit_is_large_enough_for_its_visitors():
    visitors = int(of_unit("visitors"))
    base, each = map(int, re.search(r"LimitNOFILE = (\d+) \+ visitors x (\d+)", PAGE).groups())
    assert (base, each) == (descriptors.OWN, descriptors.EACH)
    assert int(of_unit("LimitNOFILE")) >= base + visitors * each
    gigabytes, megabytes = map(float, re.search(r"MemoryMax = ([\d.]+) GB .*\+ visitors x (\d+) MB", PAGE).groups())
    assert float(of_unit("MemoryMax").removesuffix("G")) >= gigabytes + visitors * megabytes / 1000
    assert int(of_unit("TasksMax")) >= visitors * int(re.search(r"at least (\d+) a visitor", PAGE)[1])


def test_the_unit_allows_what_kernels_need():
    assert "AF_UNIX" in UNIT, "their lines are such sockets"
    assert "MemoryDenyWriteExecute" not in UNIT, "numba compiles while they run"
    assert f"/var/cache/{of_unit('CacheDirectory')}/" in of_unit("NUMBA_CACHE_DIR"), "and keeps what it has compiled"


def test_numbers_of_what_is_refused_are_those_of_the_code():
    table = PAGE.split("## What is refused")[1].split("## Logs")[0]
    assert f"over {messages.LARGEST // 2**20} MB" in table and f"not reading {pages._UNREAD // 2**20} MB" in table
    assert pages._LINES == 4 and "a fifth line to one kernel" in table
    assert f"or over {class_pages.LARGEST // 1024} KB |" in table
    assert f"more than {guesses.BURST} requests of a cookie" in table and guesses.EACH == 1
    assert f"answers of more than {guesses.VISITORS} cookies" in table
    assert f"one line of at most {logs.LONGEST} characters" in PAGE


@pytest.mark.parametrize("needed", ["Host $http_host", "Upgrade $http_upgrade", "Connection $connection_upgrade"])
def test_nginx_passes_on_what_a_page_needs(needed):
    assert (
        f"proxy_set_header {needed};" in NGINX and "proxy_buffering off;" in NGINX and "proxy_http_version 1.1" in NGINX
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_reads_the_unit(tmp_path):
    unit = tmp_path / "labcore@8866.service"
    unit.write_text(UNIT.replace("/opt/labcore/%i/.venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "labcore@" not in done.stderr, done.stderr  # a bare machine may have other units to complain about
