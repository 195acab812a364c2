"""Owner and mode in the COPY itself."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
    Blank,
    Comment,
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
    ScriptView,
    Transform,
    base_name,
    delete_word,
    expand_known,
)
from dockopt_transforms.cache._copy import target_of
from dockopt_transforms.cache._installs import overlap

if TYPE_CHECKING:
    from dockopt.api import Context

_OWNER = re.compile(r"[\w.-]+(?::[\w.-]+)?\Z", re.A)
_MODE = re.compile(r"0?[0-7]{3,4}\Z")
# Steps that leave nothing in the folder they are called in.
_QUIET = frozenset(
    (
        "set", "true", ":", "useradd", "groupadd", "adduser", "addgroup", "usermod", "a2enmod", "a2dismod", "docker-php-ext-install",
        "docker-php-ext-configure", "docker-php-ext-enable", "pecl", "nproc", "apt-get", "apk",
    )
)  # fmt: skip
# Images whose definitions leave no folder of their own at the top but what their WORKDIR says.
_BARE_IMAGES = frozenset(
    (
        "python",
        "node",
        "ruby",
        "php",
        "debian",
        "ubuntu",
        "alpine",
        "openjdk",
        "eclipse-temurin",
        "pypy",
        "perl",
        "amazoncorretto",
    )
)
_FHS = frozenset(
    ("/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/media", "/mnt", "/opt", "/proc", "/root",
     "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var")
)  # fmt: skip
_THERE = frozenset(("/", "/etc", "/opt", "/tmp", "/usr/bin", "/usr/local", "/usr/local/bin", "/usr/local/sbin", "/bin"))


class Wish(NamedTuple):
    """What a RUN wants of the files just copied."""

    owner: str  #: ``user:group``, empty for none
    mode: str  #: octal digits or ``+x``, empty for none
    paths: frozenset[str]  #: absolute
    recursive: bool = False  #: ``chown -R`` of one path, and nothing else


class ChownInCopy(Transform):
    """Give copied files their owner and mode in the COPY.

    What:
        ``COPY`` of files followed by a ``RUN`` that does nothing but ``chown`` or ``chmod`` them becomes one
        ``COPY --chown=… --chmod=…``. So does the ``COPY`` of a folder to a place where nothing else is, followed by
        ``chown -R`` of that place; where the place was made before, a ``chown`` of the place alone stays.

    Why:
        A change of owner or mode in a layer of its own stores every byte of the files a second time.

    Safety:
        Safe for owners and octal modes of files: they come out the same. Unsafe for ``chmod +x``, whose result
        depends on the mode the files have where the image is built, and for folders, of which the base image's
        definition has to say that they are empty.

    Refuses:
        context-unknown: nobody can tell whether the COPY takes files, folders or links
        not-plain-files: folders or symbolic links are copied, of which the two ways treat some otherwise
        other-files: the RUN names other files than the COPY makes
        has-flags: the COPY sets owner or mode already
        not-root: the RUN is not run by root
        makes-folder: the COPY may make the folder, which would get the owner too
        folder-in-use: something else may be in the folder, whose owner ``chown -R`` changes too

    References:
        https://docs.docker.com/reference/dockerfile/#copy---chown---chmod
    """

    id = "chown-in-copy"
    phase = Phase.CACHE
    safety = "unsafe"
    instructions = ("COPY",)
    mentions = ("chown ", "chmod ")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            for node, run in zip(stage.instructions, stage.instructions[1:], strict=False):
                if run.name != "RUN" or node.name != "COPY" or node.heredocs or len(node.args) < 2 or stage.windows:
                    continue
                wish = _wish(facts, run)
                result = _change(facts, node, run, wish) if wish is not None else None
                if result is not None:
                    yield result


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
    recursive = _recursive(view)
    if recursive is not None:
        owner, path = recursive
        return Wish(owner, "", frozenset((posixpath.normpath(posixpath.join(workdir.value, path)),)), True)
    for command in view.commands:
        words = command.values
        if not command.top or command.redirects or command.assignments or len(words) < 3 or None in words:
            return None
        name, value, *rest = (word or "" for word in words)
        if any(word.glob for word in command.words) or any(path.startswith(("-", "~")) for path in rest):
            return None
        if name == "chown" and not owner and _OWNER.match(value):
            owner = _account(value)
        elif name == "chmod" and not mode and (_MODE.match(value) or value in ("+x", "a+x")):
            mode = value.removeprefix("a")
        else:
            return None
        groups.append(frozenset(posixpath.normpath(posixpath.join(workdir.value, path)) for path in rest))
    return Wish(owner, mode, groups[0]) if len(set(groups)) == 1 else None


def _recursive(view: ScriptView) -> tuple[str, str] | None:
    """Owner and path of a script that is ``chown -R owner path``; None for any other."""
    if len(view.commands) != 1:
        return None
    command = view.commands[0]
    words = [word or "" for word in command.values]
    if not command.top or command.redirects or command.assignments or any(word.glob for word in command.words):
        return None
    plain = [word for word in words[1:] if word not in ("-R", "--recursive")]
    if words[0] != "chown" or len(plain) != 2 or len(words) != 4 or not _OWNER.match(plain[0]):
        return None
    if plain[1].startswith(("-", "~")):
        return None
    return _account(plain[0]), plain[1]


def _account(owner: str) -> str:
    """Owner and group as COPY takes them: ``chown`` leaves the group, which is root's, where none is given."""
    return owner if ":" in owner else f"{owner}:root"


def _change(facts: Facts, node: Instruction, run: Instruction, wish: Wish) -> Proposal | Refusal | None:
    given = node.flag("chown")
    if (
        given is not None
        and given.value == wish.owner
        and wish.paths == {target_of(facts, node)}
        and not wish.recursive
    ):
        return None  # the folder was there before: it alone is left to the RUN
    if given is not None or node.flag("chmod") is not None:
        return Refusal(run, "has-flags", "the COPY sets an owner or a mode already")
    state = facts.state(node)
    if not isinstance(state.user, Known) or state.user.value.partition(":")[0] not in ("root", "0"):
        return Refusal(run, "not-root", "the RUN is not known to be run by root")
    context = facts.context
    if node.flag("from") is not None or not isinstance(context, Known):
        return Refusal(run, "context-unknown", "whether files, folders or links are copied is not known")
    if wish.recursive:
        return _folder(facts, context.value, node, run, wish)
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
        _remove(editor, facts.document, node, run)

    return Proposal(
        (node, run),
        f"set {'owner' if wish.owner else 'mode'}{' and mode' if wish.owner and mode else ''} in the COPY",
        edit,
        safety=Safety.UNSAFE if wish.mode == "+x" else Safety.SAFE,
        effects=Effects(layers=-1, commands_removed=("chown", "chmod")),
        evidence=(context.evidence,),
    )


def _remove(editor: Editor, document: Document, node: Instruction, run: Instruction) -> None:
    """Take the RUN out; a comment above it, which is about the owner or mode, goes above the COPY."""
    nodes = document.nodes
    at = first = nodes.index(run)
    while isinstance(nodes[first - 1], Comment):
        first -= 1
    comments = nodes[first:at]
    if comments:
        editor.insert_before(node, "".join(comment.text for comment in comments))
    for comment in comments:
        editor.remove(comment)
    editor.remove(run)
    if at + 1 < len(nodes) and isinstance(nodes[first - 1], Blank) and isinstance(nodes[at + 1], Blank):
        editor.remove(nodes[at + 1])  # one blank line parted each of the two from the next


def _folder(facts: Facts, context: Context, node: Instruction, run: Instruction, wish: Wish) -> Proposal | Refusal:
    """A folder copied to a place of its own, which ``chown -R`` then gives to an account."""
    target = target_of(facts, node)
    source = expand_known(node.args[0], facts.state(node).env, node.escape) if len(node.args) == 2 else None
    if target is None or source is None or not context.is_dir(source.lstrip("/") or "."):
        return Refusal(run, "not-plain-files", "the COPY takes more than one folder, or files")
    if wish.paths != {target}:
        return Refusal(run, "other-files", "the RUN names another folder than the one just copied to")
    if any(flag.name not in ("link",) for flag in node.flags):
        return Refusal(run, "has-flags", "the COPY has flags that say what is copied")
    prefix = "" if (plain := posixpath.normpath(source.lstrip("/") or ".")) == "." else f"{plain}/"
    names = [name for name in context.listing.files if name.startswith(prefix)]
    if context.listing.truncated or any(os.path.islink(context.path(name)) for name in names):
        return Refusal(run, "not-plain-files", "there are links in the folder, or more files than dockopt reads")
    made = _made(facts, node, target, wish.owner)
    if made is None:
        return Refusal(run, "folder-in-use", f"something else may be in {target}, whose owner the RUN changes too")

    def edit(editor: Editor) -> None:
        editor.splice(node, [(node.args_start, node.args_start, f"--chown={wish.owner} ")])
        view = facts.script(run)
        if not made:
            _remove(editor, facts.document, node, run)
        elif view is not None:
            command = view.commands[0]
            flag = next(word for word in command.words if word.text in ("-R", "--recursive"))
            editor.script(view, [delete_word(view.script, flag)])

    return Proposal(
        (node, run),
        "set the owner of the folder in the COPY",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(layers=0 if made else -1, files_owned=(target, f"{target}/**"), commands_removed=("chown",)),
        evidence=(context.evidence,),
    )


def _made(facts: Facts, node: Instruction, target: str, owner: str) -> bool | None:
    """Whether the folder copied to was made before, empty and root's; None where something may be in it.

    False where the COPY makes it, or the image has it for this very owner.
    """
    stage = facts.stages.of(node)
    image = facts.base_image(stage) if stage is not None else None
    if stage is None or image is None or image.online or image.name not in _BARE_IMAGES:
        return None
    own = image.name == "php" and target == "/var/www/html"
    if own and owner != "www-data:www-data":
        return None
    if not own and (
        posixpath.dirname(target) != "/" or target in _FHS or (image.workdir + "/").startswith(target + "/")
    ):
        return None
    made = False
    for other in (one for each in stage.chain for one in each.instructions):
        if other is node:
            break
        if other.name == "WORKDIR":
            place = target_of(facts, other)
            if place is None or place.startswith(f"{target}/"):
                return None
            made = made or place == target
        elif other.name in ("COPY", "ADD"):
            place = target_of(facts, other)
            if place is None or overlap(place, target) or other.name == "ADD":
                return None
        elif (other.name == "RUN" and not _leaves_alone(facts, other, target)) or other.name in ("VOLUME", "ONBUILD"):
            return None
    return made and not own


def _leaves_alone(facts: Facts, run: Instruction, target: str) -> bool:
    """Whether a RUN puts nothing below a folder: it does not name it, and where it stands nothing is written."""
    view, workdir = facts.script(run), facts.state(run).workdir
    if view is None or view.opaque is not None or view.heredoc is not None or not isinstance(workdir, Known):
        return False

    def named(path: str) -> bool:
        return re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w.-])", view.script.text) is not None

    if named(target):
        return False
    managers = {id(call.command) for call in view.invocations if call.manager.name in ("apt", "apk")}
    if all(
        id(command) in managers or (base_name(command.name or "") in _QUIET and not command.redirects)
        for command in view.commands
    ):
        return True
    here = workdir.value.rstrip("/")
    if here == target or here.startswith(f"{target}/"):
        return False
    return not target.startswith(f"{here}/") or not named(posixpath.relpath(target, here or "/"))


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
