"""Jinja2 templates for blocks of instructions that are new; the one module that imports jinja2."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockopt.api import Document, operator_break

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
_environment: Environment | None = None


def render(document: Document, template: str, **values: object) -> str:
    """The text of ``templates/<template>.j2`` as it must stand in ``document``.

    A template is written in upper-case keywords given as ``{{ RUN }}``, with ``\\`` for a continuation
    (``{{ br }}`` makes one with the file's indent, ``{{ also }}`` one with ``&&`` where the file has it), and ends its lines with a newline; the file's own
    keyword case, escape character, indent and line ending are put in.
    """
    global _environment
    if _environment is None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        _environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
    keywords = {name: document.keyword(name) for name in ("ARG", "AS", "COPY", "ENV", "FROM", "RUN", "USER", "WORKDIR")}
    indent = document.indent if len(document.indent.expandtabs(4)) <= 8 else "    "
    text = _environment.get_template(template + ".j2").render(
        **keywords,
        br=f" {document.escape}\n{indent}",
        also=operator_break(document).replace(document.eol, "\n"),
        **values,
    )
    return text.replace("\n", document.eol)
