"""Owner and mode in the COPY itself."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
    Blank,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Transform,
    expand_known,
)

if TYPE_CHECKING:
    from dockopt.api import Context

_OWNER = re.compile(r"[\w.-]+(?::[\w.-]+)?\Z", re.A)
_MODE = re.compile(r"0?[0-7]{3,4}\Z")
_THERE = frozenset(("/", "/etc", "/opt", "/tmp", "/usr/bin", "/usr/local", "/usr/local/bin", "/usr/local/sbin", "/bin"))


class Wish(NamedTuple):
    """What a RUN wants of the files just copied."""

    owner: str  #: ``user:group``, empty for none
    mode: str  #: octal digits or ``+x``, empty for none
    paths: frozenset[str]  #: absolute


class ChownInCopy(Transform):
    """Give copied files their owner and mode in the COPY.

    What:
        ``COPY`` of files followed by a ``RUN`` that does nothing but ``chown`` or ``chmod`` them becomes one
        ``COPY --chown=… --chmod=…``.

    Why:
        A change of owner or mode in a layer of its own stores every byte of the files a second time.

    Safety:
        Safe for owners and octal modes: the files come out the same. Unsafe for ``chmod +x``, whose result
        depends on the mode the files have where the image is built.

    Refuses:
        context-unknown: nobody can tell whether the COPY takes files, folders or links
        not-plain-files: folders or symbolic links are copied, of which the two ways treat some otherwise
        other-files: the RUN names other files than the COPY makes
        has-flags: the COPY sets owner or mode already
        not-root: the RUN is not run by root
        makes-folder: the COPY may make the folder, which would get the owner too

    References:
        https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
    """

    id = "chown-in-copy"
    phase = Phase.CACHE
    safety = "unsafe"
    mentions = ("chown ", "chmod ")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            for node, run in zip(stage.instructions, stage.instructions[1:], strict=False):
                if run.name != "RUN" or node.name != "COPY" or node.heredocs or len(node.args) < 2 or stage.windows:
                    continue
                wish = _wish(facts, run)
                if wish is not None:
                    yield _change(facts, node, run, wish)


def _wish(facts: Facts, run: Instruction) -> Wish | None:
    """What a RUN of nothing but chown and chmod asks for, None for any other."""
    view = facts.script(run)
    if view is None or view.opaque is not None or view.heredoc is not None or run.flags or run.comments:
        return None
    if not view.script.and_list or not view.commands or view.commands[0].name not in ("chown", "chmod"):
        return None
    workdir = facts.state(run).workdir
    if not isinstance(workdir, Known):
        return None
    owner, mode, groups = "", "", []
    for command in view.commands:
        words = command.values
        if not command.top or command.redirects or command.assignments or len(words) < 3 or None in words:
            return None
        name, value, *rest = (word or "" for word in words)
        if any(word.glob for word in command.words) or any(path.startswith(("-", "~")) for path in rest):
            return None
        if name == "chown" and not owner and _OWNER.match(value):
            owner = value if ":" in value else f"{value}:root"
        elif name == "chmod" and not mode and (_MODE.match(value) or value in ("+x", "a+x")):
            mode = value.removeprefix("a")
        else:
            return None
        groups.append(frozenset(posixpath.normpath(posixpath.join(workdir.value, path)) for path in rest))
    return Wish(owner, mode, groups[0]) if len(set(groups)) == 1 else None


def _change(facts: Facts, node: Instruction, run: Instruction, wish: Wish) -> Proposal | Refusal:
    if node.flag("chown") is not None or node.flag("chmod") is not None:
        return Refusal(run, "has-flags", "the COPY sets an owner or a mode already")
    state = facts.state(node)
    if not isinstance(state.user, Known) or state.user.value.partition(":")[0] not in ("root", "0"):
        return Refusal(run, "not-root", "the RUN is not known to be run by root")
    context = facts.context
    if node.flag("from") is not None or not isinstance(context, Known):
        return Refusal(run, "context-unknown", "whether files, folders or links are copied is not known")
    files = _landings(context.value, node, facts)
    if files is None:
        return Refusal(run, "not-plain-files", "the COPY takes more than plain files")
    if frozenset(files) != wish.paths:
        return Refusal(run, "other-files", "the RUN names other files than those just copied")
    if wish.owner and not all(_there(facts, node, posixpath.dirname(path)) for path in files):
        return Refusal(run, "makes-folder", "the COPY may make the folder, which would get the owner as well")
    mode = wish.mode
    if mode == "+x":
        modes = {os.stat(context.value.path(name)).st_mode & 0o777 | 0o111 for name in files.values()}
        if len(modes) > 1:
            return Refusal(run, "not-plain-files", "the files have different modes")
        mode = f"{modes.pop():o}"
    flags = (f"--chown={wish.owner} " if wish.owner else "") + (f"--chmod={mode} " if mode else "")

    def edit(editor: Editor) -> None:
        editor.splice(node, [(node.args_start, node.args_start, flags)])
        editor.remove(run)
        nodes = facts.document.nodes
        at = nodes.index(run)
        if at + 1 < len(nodes) and isinstance(nodes[at - 1], Blank) and isinstance(nodes[at + 1], Blank):
            editor.remove(nodes[at + 1])  # one blank line parted each of the two from the next

    return Proposal(
        (node, run),
        f"set {'owner' if wish.owner else 'mode'}{' and mode' if wish.owner and mode else ''} in the COPY",
        edit,
        safety=Safety.UNSAFE if wish.mode == "+x" else Safety.SAFE,
        effects=Effects(layers=-1, commands_removed=("chown", "chmod")),
        evidence=(context.evidence,),
    )


def _landings(context: Context, node: Instruction, facts: Facts) -> dict[str, str] | None:
    """Where each plain file of a COPY lands, and its name in the context; None where there is anything else."""
    state = facts.state(node)
    words = [expand_known(word, state.env, node.escape) for word in node.args]
    written = words[-1]
    if written is None or not (written.startswith("/") or isinstance(state.workdir, Known)):
        return None
    here = state.workdir.value if isinstance(state.workdir, Known) else "/"
    target = posixpath.normpath(posixpath.join(here, written))
    folder = len(words) > 2 or written.endswith("/") or posixpath.basename(written) in (".", "..")
    # Without a slash it is a folder all the same where the image has one of that name.
    if not folder and (target in _THERE or (here + "/").startswith(target + "/")):
        return None
    found: dict[str, str] = {}
    for word in words[:-1]:
        matched = context.sources(word) if word is not None else None
        if not isinstance(matched, Known) or (len(matched.value) > 1 and not folder):
            return None
        for name in matched.value:
            if not context.is_file(name) or os.path.islink(context.path(name)):
                return None
            found[posixpath.join(target, posixpath.basename(name)) if folder else target] = name
    return found


def _there(facts: Facts, node: Instruction, folder: str) -> bool:
    """Whether a folder is there before the COPY."""
    workdir = facts.state(node).workdir
    return folder in _THERE or (isinstance(workdir, Known) and (workdir.value + "/").startswith(folder + "/"))
