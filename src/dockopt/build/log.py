"""What a build says: progress, the lines that matter after a failure, and secrets kept out of both."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

#: Names of build arguments whose values are treated as secrets.
_SECRET_NAME = re.compile(r"pass|secret|token|key|credential|auth", re.IGNORECASE)

#: Shorter values would blot out half of a log.
_SECRET_LENGTH = 4

#: ``#7 [build 2/5] RUN make``, and the step's name in it: BuildKit's plain progress.
_STEP = re.compile(r"#\d+ \[(?P<place>[^\]]+)\] (?P<what>.*)")

#: The place of an instruction; images and contexts are fetched at ``[internal]`` and ``[context debian]``.
_NUMBERED = re.compile(r"(?:\S+ +)*\d+/\d+")

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

#: At most this many lines of a failed build are shown.
LINES = 25


class Mask:
    """Replaces secret values by ``***``.

    :param values: the secrets themselves.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[str] = ()) -> None:
        parts = {line.strip() for value in values for line in (value, *value.splitlines())}
        # The longest first, since one secret may be part of another.
        self._values = sorted((part for part in parts if len(part) >= _SECRET_LENGTH), key=len, reverse=True)

    @classmethod
    def of(cls, secrets: Iterable[str], build_args: Mapping[str, str]) -> Mask:
        """What ``--secret`` and secret-looking ``--build-arg`` hold.

        :param secrets: as ``docker build --secret`` takes them: ``id=x,src=path``, ``id=x,env=NAME``.
        """
        values = [value for name, value in build_args.items() if _SECRET_NAME.search(name)]
        for secret in secrets:
            fields = dict(part.partition("=")[::2] for part in secret.split(","))
            name = fields.get("id", "")
            path = fields.get("src") or fields.get("source")
            if path is None and (variable := os.environ.get(fields.get("env", name))) is not None:
                values.append(variable)
            elif path is not None:
                try:
                    with open(path, encoding="utf-8", errors="replace") as file:
                        values.append(file.read(1 << 16))
                except OSError:
                    pass  # the engine will say so
        return cls(values)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, "***")
        return text


def clean(line: str) -> str:
    """A line without terminal escapes and what a carriage return would overwrite."""
    return _ESCAPES.sub("", line).rstrip("\r\n").rpartition("\r")[2]


def step(line: str) -> str | None:
    """What the build is at, where ``line`` tells: ``build 2/5 RUN make``."""
    match = _STEP.match(line)
    if match is None or match["place"].startswith("internal"):
        return None
    return f"{match['place']} {match['what']}"


def ran(lines: Iterable[str]) -> tuple[str, ...]:
    """The instructions a build carried out, those whose result it had already left out: ``RUN make``.

    BuildKit says ``#7 CACHED`` of one that it had, ``#7 DONE 1.2s`` of one that it carried out.
    """
    names: dict[str, str] = {}
    found: list[str] = []
    for line in lines:
        number, _, rest = line.partition(" ")
        match = _STEP.match(line)
        if match is not None and _NUMBERED.fullmatch(match["place"]):
            names[number] = match["what"]
        elif rest.startswith("DONE ") and not names.get(number, "FROM ").startswith("FROM "):
            found.append(names[number])
    return tuple(found)


def relevant(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines of a failed build's log that tell why.

    BuildKit closes with a summary: the failed step's last output between two rules, the place in the
    Dockerfile, the error. Other builders close with the error. Without the source excerpt, since it is of
    a temporary file.
    """
    try:
        start = next(i for i, line in enumerate(lines) if line.startswith("------"))
    except StopIteration:
        return tuple(line for line in lines if line.strip())[-LINES:]
    kept: list[str] = []
    excerpt = False
    for line in lines[start:]:
        if line.startswith("--------------------"):
            excerpt = not excerpt
        elif not (excerpt or line.startswith("------") or _PLACE.fullmatch(line) or not line.strip()):
            kept.append(line)
    return tuple(kept[-LINES:])


def missing_image(text: str) -> str | None:
    """Which image a build stopped for, and why: ``nosuch.example/base:1 cannot be had (no such host)``."""
    match = _MISSING.search(text)
    if match is None:
        return None
    if match["denied"]:
        return f"{match['image']} cannot be had ({match['denied'].partition(': ')[0]})"
    # A chain of causes from the outside in: the request, the address, the registry's answer.
    return f"{match['image']} cannot be had ({match['why'].rpartition(': ')[2]})"


#: BuildKit's solver and its image resolver. Docker asks for a login where there is no such image, too.
_MISSING = re.compile(
    r"failed to solve: (?P<image>\S+): "
    r"(?:(?P<denied>pull access denied.*)|(?:failed to resolve source metadata for \S+|failed to authorize): (?P<why>.*))"
)
_PLACE = re.compile(r"\S*ockerfile\S*:\d+")
