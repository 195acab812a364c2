"""What a project's own manifest says about it: pyproject.toml, package.json, Cargo.toml."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any, NamedTuple

from dockopt.api import Context, Unknown, web_address

MANIFESTS = ("pyproject.toml", "package.json", "Cargo.toml")

#: Identifiers of https://spdx.org/licenses/ that projects use; a word that is none of them is not passed off as one.
_SPDX = frozenset(
    """0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later AGPL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0
    BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BUSL-1.1
    CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CECILL-2.1 CPL-1.0 ECL-2.0 Elastic-2.0 EPL-1.0 EPL-2.0
    EUPL-1.1 EUPL-1.2 GPL-2.0-only GPL-2.0-or-later GPL-2.0 GPL-3.0-only GPL-3.0-or-later GPL-3.0 HPND ISC
    LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-2.1 LGPL-3.0-only LGPL-3.0-or-later LGPL-3.0
    MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL MulanPSL-2.0 NCSA ODbL-1.0 OFL-1.1 OSL-3.0 PostgreSQL PSF-2.0 Python-2.0
    Ruby SSPL-1.0 UPL-1.0 Unicode-3.0 Unlicense Vim W3C WTFPL Zlib ZPL-2.1""".split()  # noqa: SIM905
)
_OPERATORS = frozenset(("AND", "OR", "WITH"))
#: What stands for a version until a release tool writes one.
_PLACEHOLDERS = ("0.0.0", "0.0.0-development", "0.0.0-semantically-released", "0.0.0-dev", "0.0.0.dev0")
_SHORTHAND = re.compile(r"(?:(github|gitlab|bitbucket):)?([\w.-]+/[\w.-]+)\Z")
_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
#: The labels https://packaging.python.org/specifications/well-known-project-urls/ gives a source repository.
_SOURCE_URLS = ("repository", "source", "sourcecode", "github")


class Project(NamedTuple):
    """What one manifest says; keys are those of the OCI annotations, each with where it was read."""

    manifest: str
    facts: dict[str, tuple[str, str]]


def read(context: Context, path: str) -> Project | Unknown | None:
    """The project of one manifest; None for one that describes no project (a tool's settings, a workspace)."""
    text = context.text(path)
    if isinstance(text, Unknown):
        return text
    name = posixpath.basename(path)
    if name == "package.json":
        try:
            data = json.loads(text.value)
        except (ValueError, RecursionError) as error:
            return Unknown(f"{path} does not parse: {error}")
        table = _table(data)
        found = _package_json(table)
    else:
        import tomllib

        try:
            data = tomllib.loads(text.value)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            return Unknown(f"{path} does not parse: {error}")
        found = _cargo(context, path, data) if name == "Cargo.toml" else _pyproject(data)
    facts = {key: (" ".join(value.split()), path) for key, value in found.items() if value and value.strip()}
    return Project(path, facts) if "title" in facts else None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _version(value: object) -> str:
    version = _text(value).strip()
    return "" if version in _PLACEHOLDERS else version


def _licence(value: object) -> str:
    """A licence as an SPDX expression; empty for any other text."""
    text = _text(value).strip()
    if "/" in text and " " not in text:
        text = text.replace("/", " OR ")  # Cargo's older way to write a choice
    words = text.replace("(", " ").replace(")", " ").split()
    names = [word.removesuffix("+") for word in words if word not in _OPERATORS]
    after_with = {words[index + 1] for index, word in enumerate(words[:-1]) if word == "WITH"}
    known = all(name in _SPDX or name.startswith("LicenseRef-") or name in after_with for name in names)
    return text if names and known and len(names) * 2 - 1 == len(words) else ""


def _people(value: object) -> str:
    people = [_person(one) for one in (value if isinstance(value, list) else [value])]
    return ", ".join(dict.fromkeys(person for person in people if person))


def _person(one: object) -> str:
    if isinstance(one, dict):
        name, mail = _text(one.get("name")).strip(), _text(one.get("email")).strip()
        return f"{name} <{mail}>" if name and mail else name or mail
    # npm's one-line form may end in the person's page: Ann <ann@example.org> (https://ann.example.org)
    return re.sub(r"\s*\(https?://[^)]*\)\s*\Z", "", _text(one)).strip()


def _source(value: object) -> str:
    text = _text(value).strip()
    if match := _SHORTHAND.match(text):
        return f"https://{_HOSTS[match[1] or 'github']}/{match[2]}"
    return web_address(text) or ""


def _package_json(data: dict[str, Any]) -> dict[str, str]:
    repository = data.get("repository")
    return {
        "title": _text(data.get("name")),
        "description": _text(data.get("description")),
        "version": _version(data.get("version")),
        "licenses": _licence(data.get("license")),
        "authors": _people(data.get("author")),
        "source": _source(repository.get("url") if isinstance(repository, dict) else repository),
    }


def _pyproject(data: dict[str, Any]) -> dict[str, str]:
    project = _table(data.get("project"))
    poetry = _table(_table(data.get("tool")).get("poetry"))
    licence = project.get("license") or poetry.get("license")
    urls = {
        re.sub(r"[\W_]", "", key).lower(): value
        for key, value in {**_table(poetry.get("urls")), **_table(project.get("urls"))}.items()
    }
    source = next((urls[key] for key in _SOURCE_URLS if key in urls), poetry.get("repository"))
    dynamic = project.get("dynamic")
    moving = isinstance(dynamic, list) and "version" in dynamic
    return {
        "title": _text(project.get("name") or poetry.get("name")),
        "description": _text(project.get("description") or poetry.get("description")),
        "version": _version("" if moving else project.get("version") or poetry.get("version")),
        "licenses": _licence(licence.get("text") if isinstance(licence, dict) else licence),
        "authors": _people(project.get("authors") or poetry.get("authors")),
        "source": web_address(_text(source)) or "",
    }


def _cargo(context: Context, path: str, data: dict[str, Any]) -> dict[str, str]:
    package = dict(_table(data.get("package")))
    if any(_table(value).get("workspace") is True for value in package.values()):
        shared = _workspace(context, path, data)
        package = {
            key: shared.get(key) if _table(value).get("workspace") is True else value for key, value in package.items()
        }
    return {
        "title": _text(package.get("name")),
        "description": _text(package.get("description")),
        "version": _version(package.get("version")),
        "licenses": _licence(package.get("license")),
        "authors": _people(package.get("authors")),
        "source": web_address(_text(package.get("repository"))) or "",
    }


def _workspace(context: Context, path: str, data: dict[str, Any]) -> dict[str, Any]:
    """``[workspace.package]`` of the nearest manifest at or above ``path``."""
    import tomllib

    folder = posixpath.dirname(path)
    while True:
        if "workspace" in data:
            return _table(_table(data["workspace"]).get("package"))
        if not folder:
            return {}
        folder = posixpath.dirname(folder)
        text = context.text(posixpath.join(folder, "Cargo.toml"))
        try:
            data = {} if isinstance(text, Unknown) else tomllib.loads(text.value)
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}
