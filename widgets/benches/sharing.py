"""Share and export: links, lines and files that carry a bench's values or its frame away."""

from __future__ import annotations

import math
import os
import re
import shlex
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from labcore.experiment import Experiment, ParameterError

LINK_VARIABLE = "LABCORE_LINK"
LINK_FIELDS, LINK_LENGTH = 64, 8192  # values and characters; the longest link of a bench has a tenth of these
REFUSAL = 300  # characters of a refusal, however long the link
# Words of the servers around a lesson, in the same query string: Binder adds its token, JupyterLab and Voila their own.
SERVERS_OWN = {"token", "reset", "clone", "theme", "template"}
AT = "at"  # the word of a link for how far the run was that its sender saw, from 0 to 1


def changed_values(experiment: Experiment, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults."""
    return {k: v for k, v in values.items() if v != experiment.parameters[k].default}


def link_query(experiment: Experiment, values: Mapping[str, Any], label: str = "", at: float = 1.0) -> str:
    """The query string that reopens the bench of this label (default: the experiment's id) with these values.

    It holds all of them: the lesson that it opens may start the bench elsewhere than at the defaults. `at` is how far
    the run is in the figure.
    """
    return urlencode({"bench": label or experiment.id, **values} | ({AT: f"{at:.6g}"} if at < 1 else {}))


def link_at(query: str) -> float:
    """How far the run is in the figure that a link shares; 1, its end, for a link that says nothing of use."""
    try:
        at = float(dict(parse_qsl(query, max_num_fields=LINK_FIELDS)).get(AT, 1.0))
    except ValueError:
        return 1.0
    return at if 0 <= at < 1 else 1.0


def link_values(
    experiment: Experiment, query: str, label: str = "", others: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values that a query string holds for this bench, checked, and `others`, or the defaults, beside them.

    {} if it is for a bench of another label. A number outside its range becomes the nearest one inside, and
    `link_moved` says so: a range may be narrower than when the link was made. Anything else that is wrong refuses the
    whole link, because half of it is a figure that nobody saw. Raises `ParameterError`, one line of at most `REFUSAL`
    characters.
    """
    try:
        values, _ = _nearest(experiment, query, label)
        asked = {n: v for n, v in values.items() if n != "bench"}
        return experiment.validate(**{**(others or {}), **asked}) if values else {}
    except ParameterError as error:
        raise ParameterError(_short(str(error))) from None


def link_moved(experiment: Experiment, query: str, label: str = "") -> str:
    """Which numbers of a link lie outside their ranges, and what stands for them; "" when none does.

    One line of at most `REFUSAL` characters. Raises `ParameterError` as `link_values` does.
    """
    try:
        return _short("; ".join(_nearest(experiment, query, label)[1]))
    except ParameterError as error:
        raise ParameterError(_short(str(error))) from None


def _nearest(experiment: Experiment, query: str, label: str) -> tuple[dict[str, Any], list[str]]:
    """The values, those outside their ranges moved, and what was moved."""
    values, moved = _texts(experiment, query, label), []
    for name, text in values.items():
        p = experiment.parameters.get(name)
        if p is None or p.kind not in ("int", "float"):
            continue
        try:
            number = float(text)
        except ValueError:
            continue  # it is refused
        if math.isfinite(number) and not p.low <= number <= p.high:
            near = min(max(number, p.low), p.high)
            values[name] = round(near) if p.kind == "int" else near
            moved.append(f"{p.label} = {_shown(text)} is not allowed, {values[name]:g} is the nearest")
    return values, moved


def _texts(experiment: Experiment, query: str, label: str) -> dict[str, Any]:
    if len(query) > LINK_LENGTH:
        raise ParameterError(f"{experiment.id}: the link has {len(query)} characters, more than {LINK_LENGTH}")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=LINK_FIELDS)
    except ValueError:
        raise ParameterError(f"{experiment.id}: the link holds more than {LINK_FIELDS} values") from None
    if ("bench", label or experiment.id) not in pairs:
        return {}
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in {*SERVERS_OWN, AT} and name not in experiment.parameters:
            continue
        if name in values:
            raise ParameterError(f"{experiment.id}: the link holds {name!r} more than once")
        if name != "bench" and name not in experiment.parameters:
            allowed = ", ".join(experiment.parameters)
            raise ParameterError(f"{experiment.id}: there is no parameter {_shown(name)}; it has {allowed}")
        values[name] = value
    return values


def _short(line: str) -> str:
    return line if len(line) <= REFUSAL else line[: REFUSAL - 4] + " ..."


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


def public_link(url: str) -> str:
    """The address of a page, as another person can open it.

    A Binder session ends, and its address with it: there the link starts a session of the same commit at the same page.
    BinderHub tells the session's processes where that is. A JupyterLab workspace is left out: it is its owner's.
    """
    url = re.sub(r"/lab/workspaces/[^/?]+", "/lab", url, count=1)
    host = os.environ.get("BINDER_LAUNCH_HOST")
    request = os.environ.get("BINDER_PERSISTENT_REQUEST") or os.environ.get("BINDER_REQUEST")
    if not host or not request:
        return url
    here = urlsplit(url)
    page = here.path.removeprefix(os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")).lstrip("/")
    path = quote(f"{page}?{here.query}", safe="")
    return f"{host.rstrip('/')}/{request.partition('?')[0].strip('/')}?urlpath={path}"


def environment_values(experiment: Experiment, label: str = "") -> dict[str, str]:
    """The values of the link in the environment: this is how a papermill run reproduces a shared figure.

    Warns of numbers that had to be moved.
    """
    query = os.environ.get(LINK_VARIABLE, "")
    if moved := link_moved(experiment, query, label):
        warnings.warn(f"{experiment.id}: {moved}", stacklevel=3)
    return link_values(experiment, query, label)


def python_line(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The line of Python that computes the same frame."""
    arguments = "".join(f", {k}={v!r}" for k, v in changed_values(experiment, values).items())
    what = f'"{experiment.id}"' if experiment.named else experiment.id
    return f"import labcore; frame = labcore.run({what}{arguments})"


def command_line(experiment: Experiment, values: Mapping[str, Any]) -> str:
    """The shell command that computes the same frame and keeps it."""
    changed = changed_values(experiment, values)
    arguments = "".join(f" --{k.replace('_', '-')} {shlex.quote(str(v))}" for k, v in changed.items())
    return f"labcore run {experiment.id}{arguments} --out {experiment.name}.nc"


def papermill_command(
    experiment: Experiment, values: Mapping[str, Any], label: str = "", powershell: bool = False
) -> str:
    """The shell command that re-executes the lesson with this bench at these values, where its `notebooks` are."""
    run = f"papermill {experiment.notebook} out.ipynb"
    link = f"'{link_query(experiment, values, label)}'"
    if powershell:  # which has no variables of one command
        return f"$env:{LINK_VARIABLE}={link}; {run}; Remove-Item Env:{LINK_VARIABLE}"
    return f"{LINK_VARIABLE}={link} {run}"
