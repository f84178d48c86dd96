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

from widgets.gallery.server import Gallery

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
OWNERS = {c.__name__: c for c in (Gallery, Voila, MappingKernelManager)}
UNIT = re.search(r"```ini\n(.*?)```", PAGE, re.DOTALL)[1]


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


def test_the_unit_lets_zeromq_find_its_addresses():
    assert "AF_NETLINK" in UNIT  # without it no kernel starts, and systemd sees no fault


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_reads_the_unit(tmp_path):
    unit = tmp_path / "labcore@8866.service"
    unit.write_text(UNIT.replace("/opt/labcore/%i/.venv/bin/python", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "labcore@" not in done.stderr, done.stderr  # a bare machine may have other units to complain about
