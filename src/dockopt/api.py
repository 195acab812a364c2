"""The public face: all that a transform may import, and what a program needs to use dockopt.

>>> from dockopt.api import load, dump, transform
>>> document = load(b"FROM debian\\nMAINTAINER me\\n")
>>> transform(document).after
b'FROM debian\\nLABEL org.opencontainers.image.authors="me"\\n'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dockopt.engine.edit import EditError, Editor
from dockopt.engine.model import NO_EFFECTS, Effects, Entry, FileEdit, Outcome, Phase, Proposal, Refusal, Safety
from dockopt.engine.pipeline import Options, rewrite, rewrite_document
from dockopt.engine.registry import PluginError, Registry, Spec, UnknownTransform, registry
from dockopt.engine.transform import Transform
from dockopt.facts.base import (
    BaseImage,
    is_windows,
    lookup,
    pinned,
    runtime,
    slim,
    split_reference,
    split_tag,
    table_of,
)
from dockopt.facts.directories import directories
from dockopt.facts.facts import Facts, ScriptView, posix_shell
from dockopt.facts.managers import BY_NAME as MANAGERS
from dockopt.facts.managers import Manager
from dockopt.facts.outside import Outside, local_sources
from dockopt.facts.packages import (
    Invocation,
    Option,
    base_name,
    installed,
    invocations_in,
    program,
    program_path,
    read_call,
    replaces_shell,
    unwrap,
)
from dockopt.facts.stages import Stage, Stages, sources
from dockopt.facts.state import State
from dockopt.facts.value import Known, Unknown
from dockopt.shell.edits import (
    delete_item,
    delete_items,
    delete_word,
    insert_after,
    insert_before,
    item_commands,
    reads_status,
    replace,
)
from dockopt.shell.options import started_with_errexit, turns_on_errexit
from dockopt.shell.script import Command, Item, Redirect, Script, Word, parse_script
from dockopt.shell.style import (
    command_indent,
    insert_behind,
    insert_item,
    insert_line,
    leading_operators,
    operator_break,
)
from dockopt.syntax.document import Document, Problem, dump, load
from dockopt.syntax.grammar import KEYWORDS, Flag, Pair, Token, parse_heredoc, parse_json, tokens
from dockopt.syntax.nodes import Blank, Comment, Directive, Heredoc, Instruction, Line, Node
from dockopt.syntax.spans import Edit, splice, splice_text
from dockopt.syntax.words import ExpansionError, expand_known, process_word, process_words, same_value

if TYPE_CHECKING:
    from dockopt.facts.app.model import App, Launch
    from dockopt.facts.app.reading import as_list, as_table, load_json, load_toml
    from dockopt.facts.context import Context
    from dockopt.facts.ignorefile import IgnoreRules
    from dockopt.facts.repository import remote, web_address
    from dockopt.facts.writable import Writable, declared_folders, is_system, writable

__all__ = [
    "KEYWORDS",
    "MANAGERS",
    "NO_EFFECTS",
    "App",
    "BaseImage",
    "Blank",
    "Command",
    "Comment",
    "Context",
    "Directive",
    "Document",
    "Edit",
    "EditError",
    "Editor",
    "Effects",
    "Entry",
    "ExpansionError",
    "Facts",
    "FileEdit",
    "Flag",
    "Heredoc",
    "IgnoreRules",
    "Instruction",
    "Invocation",
    "Item",
    "Known",
    "Launch",
    "Line",
    "Manager",
    "Node",
    "Option",
    "Options",
    "Outcome",
    "Outside",
    "Pair",
    "Phase",
    "PluginError",
    "Problem",
    "Proposal",
    "Redirect",
    "Refusal",
    "Registry",
    "Safety",
    "Script",
    "ScriptView",
    "Spec",
    "Stage",
    "Stages",
    "State",
    "Token",
    "Transform",
    "Unknown",
    "UnknownTransform",
    "Word",
    "Writable",
    "as_list",
    "as_table",
    "base_name",
    "command_indent",
    "declared_folders",
    "delete_item",
    "delete_items",
    "delete_word",
    "directories",
    "dump",
    "expand_known",
    "insert_after",
    "insert_before",
    "insert_behind",
    "insert_item",
    "insert_line",
    "installed",
    "invocations_in",
    "is_system",
    "is_windows",
    "item_commands",
    "leading_operators",
    "load",
    "load_json",
    "load_toml",
    "local_sources",
    "lookup",
    "operator_break",
    "parse_heredoc",
    "parse_json",
    "parse_script",
    "pinned",
    "posix_shell",
    "process_word",
    "process_words",
    "program",
    "program_path",
    "read_call",
    "reads_status",
    "registry",
    "remote",
    "replace",
    "replaces_shell",
    "rewrite",
    "rewrite_document",
    "runtime",
    "same_value",
    "slim",
    "sources",
    "splice",
    "splice_text",
    "split_reference",
    "split_tag",
    "started_with_errexit",
    "table_of",
    "tokens",
    "transform",
    "turns_on_errexit",
    "unwrap",
    "web_address",
    "writable",
]


def transform(
    document: Document,
    *,
    unsafe: bool = False,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> Outcome:
    """Run transforms over a document; names may be ids, aliases or families.

    :raises UnknownTransform: for a name nobody registered.
    """
    known = registry()
    ids = tuple(id for name in select for id in known.resolve(name))
    skipped = tuple(id for name in ignore for id in known.resolve(name))
    data = dump(document)
    if not document.instructions or document.problems:
        return rewrite(data, Options(unsafe, ids, skipped))
    return rewrite_document(document, data, Options(unsafe, ids, skipped), known)


#: What only transforms that look outside the document need, imported when first asked for.
_LAZY = {
    "App": "dockopt.facts.app.model",
    "Context": "dockopt.facts.context",
    "IgnoreRules": "dockopt.facts.ignorefile",
    "Launch": "dockopt.facts.app.model",
    "Writable": "dockopt.facts.writable",
    "as_list": "dockopt.facts.app.reading",
    "as_table": "dockopt.facts.app.reading",
    "declared_folders": "dockopt.facts.writable",
    "is_system": "dockopt.facts.writable",
    "load_json": "dockopt.facts.app.reading",
    "load_toml": "dockopt.facts.app.reading",
    "remote": "dockopt.facts.repository",
    "web_address": "dockopt.facts.repository",
    "writable": "dockopt.facts.writable",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
