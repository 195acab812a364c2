"""Reading manifests: text, TOML, JSON and XML of the build context, and what all of them have in common."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context


def join(root: str, name: str) -> str:
    return name if root in (".", "") else f"{root}/{name}"


def present(context: Context, root: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that are files of a folder the build sees."""
    return tuple(path for path in (join(root, name) for name in names) if context.is_file(path))


def as_table(value: object) -> dict[str, Any]:
    """A table of a manifest; nothing for what should be one and is not."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """A list of a manifest; nothing for what should be one and is not."""
    return value if isinstance(value, list) else []


def line_of(text: str, needle: str) -> int:
    """The 1-based line of the first occurrence, 1 where there is none."""
    position = text.find(needle)
    return text.count("\n", 0, position) + 1 if position >= 0 else 1


def load_text(context: Context, name: str) -> Known[str] | Unknown:
    """A file's text."""
    return context.text(name)


def load_toml(context: Context, name: str) -> Known[dict[str, Any]] | Unknown:
    """A TOML file's tables."""
    text = context.text(name)
    if isinstance(text, Unknown):
        return text
    import tomllib

    try:
        return Known(tomllib.loads(text.value), name)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Unknown(f"{name} does not parse: {error}")


def load_json(context: Context, name: str) -> Known[dict[str, Any]] | Unknown:
    """A JSON file's object."""
    text = context.text(name)
    if isinstance(text, Unknown):
        return text
    try:
        data = json.loads(text.value)
    except (ValueError, RecursionError) as error:
        return Unknown(f"{name} does not parse: {error}")
    return Known(data, name) if isinstance(data, dict) else Unknown(f"{name} is no JSON object")


def load_xml(context: Context, name: str) -> Known[Any] | Unknown:
    """An XML file's root element, its namespaces removed."""
    text = context.text(name)
    if isinstance(text, Unknown):
        return text
    if "<!ENTITY" in text.value:
        return Unknown(f"{name} declares entities, which dockopt does not expand")
    import xml.etree.ElementTree as ElementTree

    try:
        root = ElementTree.fromstring(text.value)
    except ElementTree.ParseError as error:
        return Unknown(f"{name} does not parse: {error}")
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return Known(root, name)


def describe(table: dict[str, Any], where: str, text: str = "") -> dict[str, Known[str]]:
    """Name, version, description, license, authors and address, as package.json, PEP 621 and Cargo spell them."""
    found: dict[str, Known[str]] = {}
    for key in ("name", "version", "description"):
        if isinstance(table.get(key), str) and table[key]:
            found[key] = Known(table[key], f"{where}:{line_of(text, table[key])}")
    licence = table.get("license")
    if isinstance(licence, dict):
        licence = licence.get("text")
    if isinstance(licence, str) and licence and "\n" not in licence:
        found["license"] = Known(licence, where)
    authors = table.get("authors") or table.get("author")
    names = [_person(one) for one in (authors if isinstance(authors, list) else [authors])]
    if any(names):
        found["authors"] = Known(", ".join(name for name in names if name), where)
    listed = table.get("urls")
    urls: dict[str, Any] = listed if isinstance(listed, dict) else {}
    repository = table.get("repository")
    address = repository.get("url") if isinstance(repository, dict) else repository
    address = address or next(
        (value for key, value in urls.items() if key.lower() in ("repository", "source", "homepage")), None
    )
    address = address or table.get("homepage")
    if isinstance(address, str) and re.match(r"(?:git\+)?https?://", address):
        found["url"] = Known(address.removeprefix("git+").removesuffix(".git"), where)
    return found


def _person(one: object) -> str:
    if isinstance(one, str):
        return one
    if isinstance(one, dict) and isinstance(one.get("name"), str):
        mail = one.get("email")
        return f"{one['name']} <{mail}>" if isinstance(mail, str) else str(one["name"])
    return ""
