"""What the apt transforms share: which commands read or fill the package lists, and who needs them later."""

from __future__ import annotations

import re
from typing import NamedTuple

from dockopt.api import (
    Blank,
    Command,
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Invocation,
    Script,
    ScriptView,
    Stage,
    Word,
    base_name,
    delete_items,
    insert_behind,
    insert_line,
    operator_break,
    parse_script,
    program_path,
    read_call,
    reads_status,
    replaces_shell,
    unwrap,
)
from dockopt_transforms.packages._errexit import holds, may_follow

LISTS = "/var/lib/apt/lists"
CLEANUP = f"rm -rf {LISTS}/*"
LISTS_REMOVED = Effects(files_removed=(f"{LISTS}/**",))
WIDTH = 100

# How sure one is that a command reads the package lists.
NO, MAYBE, LIKELY, SURE = range(4)

_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
# Commands that install through apt, or look things up in its lists, without an update of their own.
_READERS = frozenset(
    (
        "rosdep",
        "mk-build-deps",
        "gdebi",
        "apt-cache",
        "apt-rdepends",
        "apt-show-versions",
        "tasksel",
        "nala",
        "apt-fast",
    )
)
# Commands that run the command their arguments name.
_CARRIERS = frozenset(("xargs", "timeout", "retry", "flock", "stdbuf", "faketime", "su", "gosu", "chronic"))
_PROVISIONERS = frozenset(("ansible-playbook", "ansible", "puppet", "chef-client", "chef-solo", "salt-call"))
# All that may have to do with the lists, but for programs named by a path.
_TOUCHING = _SHELLS | _READERS | _CARRIERS | _PROVISIONERS | {"rm", "find", "make", ".", "source"}
# Installers fetched from these hosts are made for a system without lists: they run their own update.
_UPDATING_HOSTS = ("deb.nodesource.com", "packagecloud.io", "get.docker.com", "script.deb.sh")
_HARMLESS_HOSTS = (
    "sh.rustup.rs",
    "install.python-poetry.org",
    "raw.githubusercontent.com/python-poetry",
    "nvm-sh/nvm",
    "creationix/nvm",
    "getcomposer.org",
    "astral.sh",
    "bun.sh",
    "deno.land",
    "get.sdkman.io",
    "yarnpkg.com",
    "get.pnpm.io",
    "install.meteor.com",
    "get-helm",
    "ohmyzsh",
    "bootstrap.pypa.io",
    "pyenv",
)
_HARMLESS_FILES = re.compile(
    r"(configure|config|autogen(\.sh)?|buildconf|gradlew|mvnw|sbt|b2|bjam|activate|env|\.bashrc|\.profile"
    r"|\.bash_profile|.*(conda|forge).*\.sh|cmake-.*\.sh|nvm\.sh|sdkman-init\.sh|rustup.*"
    r"|bazel-.*\.sh|emsdk.*|bootstrap-vcpkg\.sh|docker-php-.*|install-php-extensions|waf|.*\.(py|js|rb|jar|run|bin))\Z",
    re.I,
)
_HINTS = re.compile(r"install|dep|setup|apt|bootstrap|provision|prepare|package|prereq|require|debian|ubuntu", re.I)
INSTALL = re.compile(r"(?<![\w./-])(?:apt-get|apt|aptitude)\s+(?:-\S+\s+)*install\b")
_INSTALLERS = re.compile(r"install|deps|depend|apt|bootstrap|provision", re.I)
_SYSTEM = ("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/etc/init.d/")
_CONDITIONAL = frozenset(
    (
        "if_statement",
        "elif_clause",
        "else_clause",
        "case_statement",
        "case_item",
        "while_statement",
        "function_definition",
    )
)


class Use(NamedTuple):
    """One command of a script, as far as apt's package lists go."""

    kind: str  #: ``update`` fills them, ``read`` needs them, ``clean`` removes them, ``apt`` does neither
    level: int  #: of ``read``: how sure that is
    command: Command
    call: Invocation | None  #: None where apt is not called directly

    @property
    def conditional(self) -> bool:
        return any(kind in _CONDITIONAL for kind in self.command.within)


def uses_in(text: str) -> tuple[Use, ...]:
    """What each command of a script does to apt's lists, in order; nothing for a script with errors."""
    return uses_of(parse_script(text))


def uses_of(script: Script) -> tuple[Use, ...]:
    """:func:`uses_in` for a script at hand: each use's ``command`` is one of its commands."""
    found = script.known.get("apt")
    if found is None:
        uses: list[Use] = []
        if not script.error:
            for command in script.commands:
                uses.extend(_uses_of(command, script.text))
        found = script.known["apt"] = tuple(uses)
    return found  # type: ignore[return-value]


def _uses_of(command: Command, text: str) -> list[Use]:
    call = read_call(command)
    if call is not None:
        return [Use(*_call_kind(call), command, call)] if call.manager.name == "apt" else []
    value = program_path(command)
    if value is None:
        return [Use("read", MAYBE, command, None)]
    if not value:
        return []
    name = base_name(value)
    if name not in _TOUCHING and "/" not in value:
        return []
    index = unwrap(command)
    if name in ("rm", "find") and _removes_lists(command, index, name):
        return [Use("clean", SURE, command, None)]
    if name in _READERS:
        return [Use("read", SURE, command, None)] if name != "rosdep" or "install" in command.values else []
    if name in _CARRIERS:
        return _carried(command, index, text)
    if name in _SHELLS or value in (".", "source"):
        return _shell_kind(command, index, value, text)
    if name in _PROVISIONERS:
        return [Use("read", LIKELY, command, None)]
    if name == "make":
        hint = any(_HINTS.search(word.text) and word.text != "install" for word in command.words[index + 1 :])
        return [Use("read", MAYBE, command, None)] if hint else []
    if "/" in value and not value.startswith(_SYSTEM):
        return _file_kind(command, value, text)
    return []


def _call_kind(call: Invocation) -> tuple[str, int]:
    if call.verb == "distclean":
        return "clean", SURE
    if call.action == "update":
        return "update", SURE
    if call.action in ("remove", "clean") or call.verb_word is None:
        return "apt", NO
    return "read", SURE


def _removes_lists(command: Command, index: int, name: str) -> bool:
    values = [value for value in command.values[index + 1 :] if value]
    if name == "find":
        return any(value.startswith(LISTS) for value in values) and ("-delete" in values or "rm" in values)
    return any(
        value.rstrip("/") in (LISTS, "/var/lib/apt", "/var/lib/apt/*") or value.startswith(LISTS + "/*")
        for value in values
    )


def _carried(command: Command, index: int, text: str) -> list[Use]:
    values = command.values[index + 1 :]
    for position, value in enumerate(values):
        if value and base_name(value) in ("apt-get", "apt", "aptitude"):
            kind = "update" if "update" in values[position:] else "read"
            return [Use(kind, SURE, command, None)]
        if value and " " in value and "apt" in value:
            return _nested(command, value)
        if value and base_name(value) in _SHELLS:
            return _shell_kind(command, index + 1 + position, value, text)
    return []


def _nested(command: Command, script: str) -> list[Use]:
    return [Use(use.kind, use.level, command, None) for use in uses_in(script)]


def _shell_kind(command: Command, index: int, value: str, text: str) -> list[Use]:
    words = command.words[index + 1 :]
    sourced = value in (".", "source")
    for position, word in enumerate(words):
        option = word.value or ""
        if not sourced and option.startswith(("-", "+")) and len(option) > 1:
            if option.startswith("-") and not option.startswith("--") and "c" in option and position + 1 < len(words):
                inner = words[position + 1].value
                if inner is not None:
                    return _nested(command, inner)
                return [Use("read", LIKELY if "apt" in words[position + 1].text else MAYBE, command, None)]
            continue
        if option == "-":
            continue
        if sourced and (not _INSTALLERS.search(base_name(word.text)) or _HARMLESS_FILES.match(base_name(word.text))):
            return []  # a file that sets variables
        if word.value is None and "$(" in word.text:
            return _remote(command, text)
        return _file_kind(command, word.text, text)
    return _remote(command, text)


def _remote(command: Command, text: str) -> list[Use]:
    """A script a shell reads from a pipe."""
    if any(host in text for host in _UPDATING_HOSTS):
        return [Use("update", SURE, command, None)]
    if any(host in text for host in _HARMLESS_HOSTS):
        return []
    return [Use("read", MAYBE, command, None)]


def _file_kind(command: Command, path: str, text: str) -> list[Use]:
    name = base_name(path)
    if _HARMLESS_FILES.match(name) or ("bin/" in path and "." not in name) or name in _SHELLS:
        return []
    if "://" in text or not _HINTS.search(name):
        # What was just fetched is a vendor's installer or a program, not a list of packages of this project.
        return [Use("read", MAYBE, command, None)]
    return [Use("read", LIKELY, command, None)]


def node_uses(facts: Facts, node: Instruction) -> tuple[Use, ...]:
    """What a RUN, or the RUN inside an ONBUILD, does to apt's lists."""
    if node.name == "ONBUILD":
        inner = node.inner
        return uses_in(inner.rest) if inner is not None and inner.name == "RUN" else ()
    if node.name != "RUN":
        return ()
    if node.json is not None:
        words = node.json
        if len(words) > 2 and base_name(words[0]) in _SHELLS and words[1].startswith("-") and words[1].endswith("c"):
            return uses_in(words[2])
        import shlex

        return uses_in(" ".join(shlex.quote(word) for word in words))
    view = facts.script(node)
    if view is None:
        return ()
    if view.opaque is not None:
        return uses_in("./apt-script") if "apt" in view.script.text else ()
    return uses_of(view.script)


class Need(NamedTuple):
    """A later step that reads the lists, and how sure that is."""

    level: int
    node: Instruction | None


_NOBODY = Need(NO, None)


def later_need(facts: Facts, stage: Stage, node: Instruction) -> Need:
    """Who reads the lists a RUN leaves behind, before they are made anew: in its stage or one built on it."""
    start = next(index for index, other in enumerate(stage.instructions) if other is node)
    return _need(facts, stage, start + 1, 0)


def _need(facts: Facts, stage: Stage, start: int, depth: int) -> Need:
    worst = _NOBODY
    for node in stage.instructions[start:]:
        if node.name not in ("RUN", "ONBUILD"):
            continue
        updated = False
        for use in node_uses(facts, node):
            if use.kind == "update":
                updated = True
                if not use.conditional and node.name == "RUN":
                    return worst
            elif use.kind == "clean" and not use.conditional and not updated and node.name == "RUN":
                return worst
            elif use.kind == "read" and not updated:
                if use.level == SURE:
                    return Need(SURE, node)
                if use.level > worst.level:
                    worst = Need(use.level, node)
    if depth > 20:
        return worst
    for child in facts.stages.children(stage):
        worst = max(worst, _need(facts, child, 0, depth + 1), key=lambda need: need.level)
    for other, position in _copies_of(facts, stage):
        worst = max(worst, _need(facts, other, position, depth + 1), key=lambda need: need.level)
    return worst


def _copies_of(facts: Facts, stage: Stage) -> list[tuple[Stage, int]]:
    """Stages that copy this one's whole file system, or its lists, and where they go on from there."""
    found: list[tuple[Stage, int]] = []
    if stage.index not in facts.stages.copied:
        return found
    for other in facts.stages.all[stage.index + 1 :]:
        for position, node in enumerate(other.instructions):
            flag = node.flag("from") if node.name == "COPY" else None
            if flag is None or not flag.value or facts.stages.find(flag.value) is not stage:
                continue
            if any(source.rstrip("/*") in ("", "/var", "/var/lib", "/var/lib/apt", LISTS) for source in node.args[:-1]):
                found.append((other, position + 1))
    return found


class Lists(NamedTuple):
    """What is known of apt's lists just before an instruction."""

    state: str  #: ``present``, ``empty`` or ``unknown``
    update: Use | None  #: the last update seen on the way
    added: Instruction | None  #: what added a package source since
    replaced: Instruction | None  #: what replaced sources since


def lists_before(facts: Facts) -> dict[int, Lists]:
    """The lists' state before every instruction, by the instruction's id."""
    known: dict[int, Lists] | None = facts.__dict__.get("_apt_lists")
    if known is None:
        known = {}
        ends: dict[int, Lists] = {}
        for stage in facts.stages.all:
            if stage.parent is not None:
                now = ends[stage.parent.index]
            else:
                image = facts.base_image(stage)
                # Official images come without lists; what others come with is not in their configuration.
                empty = image is not None and not image.online
                now = Lists("empty" if empty else "unknown", None, None, None)
            for node in stage.instructions:
                known[node.id] = now
                now = _step(facts, node, now)
            ends[stage.index] = now
        facts.__dict__["_apt_lists"] = known
    return known


def _step(facts: Facts, node: Instruction, now: Lists) -> Lists:
    if node.name in ("COPY", "ADD"):
        target = node.args[-1] if node.args else ""
        return now._replace(replaced=node) if target.startswith("/etc/apt") else now
    if node.name != "RUN":
        return now
    text = node.rest + node.text[node.head_end :]
    updated_at = -1
    for use in node_uses(facts, node):
        if use.kind == "update":
            now = Lists(now.state if lists_mount(node) else "present", use, None, None)
            updated_at = use.command.start
        elif use.kind == "clean":
            now = now._replace(state="empty")
        elif use.kind == "read" and use.level < SURE and now.state == "empty":
            now = now._replace(state="unknown")
    last = max(text.rfind("/etc/apt/sources"), text.rfind("--add-architecture"))
    if last > updated_at:
        if "deb " in text or "sources.list.d" in text or "--add-architecture" in text:
            now = now._replace(added=node)
        else:
            now = now._replace(replaced=node)
    return now


def lists_mount(node: Instruction) -> bool:
    """Whether a RUN mounts something over apt's lists, so that they stay out of the layer."""
    for flag in node.flags:
        if flag.name != "mount" or not flag.value:
            continue
        for part in flag.value.split(","):
            key, _, value = part.partition("=")
            if key in ("target", "dst", "destination"):
                target = value.rstrip("/")
                if target == LISTS or LISTS.startswith(target + "/"):
                    return True
    return False


def append_command(facts: Facts, document: Document, view: ScriptView, item: int, text: str) -> Edit | None:
    """The edit that runs ``text`` after an element of the top-level list, where that element succeeded.

    What follows and what ``set -e`` looks at stay as they are. None where there is no place for it.
    """
    items = view.script.items
    while item + 1 < len(items) and items[item + 1].operator == "||":
        item += 1
    here = items[item]
    following = items[item + 1].operator if item + 1 < len(items) else view.script.end_operator
    if following == "&" or here.end > view.editable_end or here.kind == "function_definition":
        return None
    if not may_follow(facts, view, item):
        return None
    last = item + 1 == len(items)
    asked = reads_status(view.script, item + 1)
    strict = holds(facts, view, item)
    separated = here.operator in (";", "\n") or (here.operator == "" and following in (";", "\n"))
    if (not last and following in (";", "\n") and not asked) or (last and strict and separated):
        operator = following if not last else here.operator or "\n"
    else:
        operator = "&&"
    if operator == "\n" and view.heredoc is None:
        return None
    if operator == "\n":
        return insert_line(document, view.script, here, text)
    if operator == "&&" and view.heredoc is not None:
        return (here.end, here.end, f" && {text}")
    if operator == ";" and view.heredoc is not None:
        return (here.end, here.end, f"; {text}")
    joint = _separator(document, view.instruction, operator, text)
    return insert_behind(document, view.instruction, view.script, here.end, joint + text)


def _separator(document: Document, node: Instruction, operator: str, text: str) -> str:
    joint = " && " if operator == "&&" else "; "
    if sum(line.logical >= 0 for line in node.lines) == 1 and len(node.line.rstrip() + joint + text) <= WIDTH:
        return joint
    if operator == "&&":
        return operator_break(document, node)
    broken = operator_break(document, node)
    own = broken[broken.index(document.eol) + len(document.eol) :].removesuffix("&& ")
    return f"; {document.escape}{document.eol}{own}"


def same_line(view: ScriptView, start: int, end: int) -> bool:
    """Whether no line break stands between two offsets of a script as it is written."""
    if view.heredoc is not None:
        return "\n" not in view.script.text[start:end]
    base = view.instruction.args_start
    return view.instruction.one_line(base + start, base + end)


def remove_run(editor: Editor, view: ScriptView) -> None:
    """Take a RUN out, its script's comments left in its place, and one blank line of two around it."""
    node = view.instruction
    for start, end in view.script.comments:
        editor.insert_before(node, view.script.text[start:end].strip() + editor.eol)
    editor.remove(node)
    nodes = editor.document.nodes
    index = nodes.index(node)
    if node.comments or view.script.comments or not 0 < index < len(nodes) - 1:
        return
    if isinstance(nodes[index - 1], Blank) and isinstance(nodes[index + 1], Blank):
        editor.remove(nodes[index + 1])


def word_break(view: ScriptView, word: Word) -> str:
    """What to put between a word and one more: a line of its own where the word has one, else a space."""
    if view.heredoc is not None:
        text = view.script.text
        start = text.rfind("\n", 0, word.start) + 1
        end = text.find("\n", word.end)
        line = text[start : end if end >= 0 else len(text)]
        line, eol = line.rstrip("\r"), "\r\n" if line.endswith("\r") else "\n"
    else:
        node = view.instruction
        at = node.raw_offset(node.args_start + word.start, after=True)
        row = next(line for line in node.lines if line.start <= at < line.end)
        line = node.text[row.start : row.end]
        line, eol = line.rstrip("\r\n"), "\r\n" if line.endswith("\r\n") else "\n"
    escape = "\\" if view.heredoc is not None else view.instruction.escape
    if line.rstrip().removesuffix(escape).strip() != word.text or not line.rstrip().endswith(escape):
        return " "
    return f" {escape}{eol}{line[: len(line) - len(line.lstrip())]}"


def drop_items(view: ScriptView, first: int, last: int) -> Edit | None:
    """Delete neighbouring elements of the list, None also where one of them replaces the shell."""
    if any(command.item in range(first, last + 1) and replaces_shell(command) for command in view.script.commands):
        return None
    return delete_items(view.script, first, last, view.instruction if view.heredoc is None else None)


def last_flag(call: Invocation, verb: Word) -> Word:
    """The last of the plain flags right behind a verb, or the verb: where one more flag goes."""
    flags = {option.word: option.value_word for option in call.options}
    words = call.command.words
    found = verb
    for word in words[words.index(verb) + 1 :]:
        if word not in flags or flags[word] is not None:
            break
        found = word
    return found
