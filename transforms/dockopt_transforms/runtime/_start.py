"""What stands between the container's start and the program, shared by the family."""

from __future__ import annotations

from collections.abc import Iterable

from dockopt.api import BaseImage, base_name, parse_json

#: Programs that run their arguments whatever they are.
INITS = frozenset(("tini", "dumb-init", "catatonit"))

# Entrypoints of official images that run their arguments and look at them only where the first is a flag
# or no command; by image, since ``docker-entrypoint.sh`` is a different script in each.
_HANDING_OVER = {
    "node": "docker-entrypoint.sh",
    "eclipse-temurin": "__cacert_entrypoint.sh",
    "maven": "mvn-entrypoint.sh",
}


def hands_over(image: BaseImage) -> bool:
    """Whether what the image starts by itself runs the words of CMD as they are."""
    if not image.entrypoint:
        return True
    try:
        words = parse_json(image.entrypoint)
    except ValueError:
        return False
    return words is not None and len(words) == 1 and _HANDING_OVER.get(image.name) == base_name(words[0])


def json_string(text: str) -> str:
    """A string of a JSON array; characters beyond ASCII stay as they are."""
    out = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(ch if ch >= " " else f"\\u{ord(ch):04x}" for ch in out) + '"'


def json_list(words: Iterable[str]) -> str:
    """The exec form of an argument list."""
    return "[" + ", ".join(json_string(word) for word in words) + "]"
