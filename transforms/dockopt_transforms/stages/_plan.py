"""Taking a single stage apart: what goes to the stage that builds, what stays in the one that runs.

The stage that runs keeps the nodes of the file where they are; what moves is written anew, text for text,
below the builder's FROM, with the comments above it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockopt.api import (
    BaseImage,
    Blank,
    Document,
    Editor,
    Facts,
    Instruction,
    Known,
    Node,
    ScriptView,
    Stage,
    Unknown,
    base_name,
    lookup,
    unwrap,
)
from dockopt_transforms._render import render
from dockopt_transforms._tables import word_set as words
from dockopt_transforms.runtime._start import prompts, start_of
from dockopt_transforms.stages._system import BUILD_ONLY, PACKAGES, RUN_ONLY, at_run_time, bare

# Read by the program that runs, never by a build.
RUN_TIME_VARIABLES = words("""
    PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONFAULTHANDLER PORT HOST FLASK_APP FLASK_ENV FLASK_DEBUG FLASK_RUN_HOST FLASK_RUN_PORT
    DJANGO_SETTINGS_MODULE UVICORN_HOST UVICORN_PORT UVICORN_WORKERS GUNICORN_CMD_ARGS WEB_CONCURRENCY LOG_LEVEL JAVA_OPTS
    JAVA_TOOL_OPTIONS SERVER_PORT SPRING_PROFILES_ACTIVE ASPNETCORE_URLS ASPNETCORE_ENVIRONMENT RAILS_LOG_TO_STDOUT RAILS_SERVE_STATIC_FILES
    GIN_MODE
    """)
CONFIG = frozenset(("LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "VOLUME", "MAINTAINER"))
# Their packages are on archive.debian.org alone, which the images do not ask.
ARCHIVED = frozenset(("squeeze", "wheezy", "jessie", "stretch", "buster"))
ANYWHERE = frozenset(("system", "clean", "neutral", "accounts"))  # do the same in whatever folder they run
LAYOUT = frozenset(("mkdir", "touch", "ln", "install", "chmod", "chown", "chgrp"))
ACCOUNTS = frozenset(("useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod"))
NEUTRAL = frozenset(
    (
        "set",
        "true",
        ":",
        "echo",
        "printf",
        "sleep",
        "export",
        "ls",
        "pwd",
        "env",
        "cat",
        "test",
        "[",
        "which",
        "date",
        "nproc",
    )
)
# Commands every image with a shell has; busybox has them too.
BASIC = words("""
    awk base64 basename cat chgrp chmod chown cp cut date dd df diff dirname du echo env expr false find grep egrep fgrep gunzip gzip
    head hostname id install kill ln ls md5sum mkdir mkfifo mknod mktemp mv nice nohup od paste printenv printf pwd readlink realpath rm
    rmdir sed seq sh sha256sum sleep sort split stat stty sync tail tar tee test timeout touch tr true truncate tty uname uniq unlink
    wc who whoami xargs yes cd export set unset umask exec exit trap wait read shift return local eval . source [ [[ : command type
    ulimit
    """)
_CACHES = re.compile(
    r"(?:/var/lib/apt/lists|/var/cache/(?:apt|apk|debconf|ldconfig|man)|/tmp|/var/tmp|/var/log|/usr/share/(?:doc|man)"
    r"|/usr/local/share/\.cache|/usr/local/cargo/(?:registry|git)|/usr/local/bundle/cache|/go/pkg"
    r"|(?:/root|~|\$HOME|\$\{HOME\})/\.(?:cache|npm|cargo/registry|m2|gradle)"
    r"|/etc/apt/apt\.conf\.d/docker-clean)(?:/|\Z)"  # removed beside a cache mount, so that apt keeps what it fetched
)


class Impossible(Exception):
    """A split that is refused: the cause's slug and the reason."""

    def __init__(self, cause: str, reason: str, node: Instruction | None = None) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
        self.node = node


class Unit(NamedTuple):
    """An instruction of the stage and the comments and blank lines above it."""

    node: Instruction
    lead: tuple[Node, ...]


def units(document: Document, stage: Stage) -> list[Unit]:
    """The instructions of a stage with what stands above each."""
    found: list[Unit] = []
    lead: list[Node] = []
    started = False
    members = {node.id for node in stage.instructions}
    for node in document.nodes:
        if node is stage.from_:
            started, lead = True, []
        elif started and isinstance(node, Instruction):
            if node.id not in members:
                break
            found.append(Unit(node, tuple(lead)))
            lead = []
        elif started:
            lead.append(node)
    return found


class Split:
    """The two stages as they come to be."""

    def __init__(self, document: Document, facts: Facts, stage: Stage) -> None:
        self.document = document
        self.facts = facts
        self.stage = stage
        self.units = units(document, stage)
        self.eol = document.eol
        self.builder = unused_name(facts)
        self.build: list[str] = []  #: the builder's text below its FROM, whole lines
        self._runtime: dict[int, str] = {}  #: what becomes of a node in the stage that runs; one not here stays
        self._airy = bool(self.units) and any(isinstance(node, Blank) for node in self.units[0].lead)
        self.lost: list[str] = []  #: variables of the toolchain that the stage that runs no longer sets
        self.lost_config: list[str] = []  #: other keys of the configuration that change
        self.lost_packages: list[str] = []  #: packages of other managers than the system's, as effects name them
        self.gained_packages: list[str] = []  #: the same, of what comes besides
        self._above: dict[int, str] = {}
        self._moved: set[int] = set()  #: nodes whose comments go with them
        self._top = ""  #: new text right below the FROM of the stage that runs

    def into_builder(self, unit: Unit, *, comments: bool) -> None:
        """Write an instruction into the builder, with the comments above it or without."""
        self.lead_into_builder(unit, comments=comments)
        self.write(unit.node.text)

    def lead_into_builder(self, unit: Unit, *, comments: bool) -> None:
        """Write what stands above an instruction into the builder: its comments, or only that there is a gap."""
        for node in unit.lead:
            if isinstance(node, Blank):
                self.write(self.eol)
            elif comments:
                self.write(node.text)

    def write(self, text: str) -> None:
        """Write new text into the builder."""
        if text and not text.endswith("\n"):
            text += self.eol
        for line in text.splitlines(keepends=True):
            if not line.strip() and not (self.build[-1].strip() if self.build else self._airy):
                continue  # one blank line is enough, and below FROM only where there was one
            self.build.append(line)

    def drop(self, unit: Unit) -> None:
        """Take an instruction out of the stage that runs, with the comments and blank lines above it."""
        self._runtime[unit.node.id] = ""
        self._moved.add(unit.node.id)

    def swap(self, unit: Unit, text: str, *, comments: bool) -> None:
        """Put other text in an instruction's place; ``comments``: those above it stay there."""
        self._runtime[unit.node.id] = text
        if not comments:
            self._moved.add(unit.node.id)

    def put_above(self, unit: Unit, text: str) -> None:
        """Put new text above an instruction that stays, and above the comments that belong to it."""
        self._above[unit.node.id] = text

    def keep_workdir(self, image: BaseImage, runtime: str) -> None:
        """Set the working directory that comes from the base image, where the stage that runs is built on another's."""
        small = lookup(runtime)
        if not image.workdir or (small is not None and small.workdir == image.workdir):
            return
        for unit in self.units:
            node = unit.node
            if node.name == "WORKDIR" and node.rest.startswith("/"):
                return
            relative = node.name in ("COPY", "ADD") and not (node.args and node.args[-1].startswith("/"))
            if node.name == "RUN":
                relative = not kinds(self.facts.script(node), frozenset()).kinds <= ANYWHERE
            if node.name == "WORKDIR" or (relative and self.stays(unit)):
                break
        self._top = f"{self.document.keyword('WORKDIR')} {image.workdir}{self.eol}"
        self.lost_config.append("workdir")

    def stays(self, unit: Unit) -> bool:
        """Whether an instruction stays in the stage that runs as it is."""
        return unit.node.id not in self._runtime

    def sources(self, before: Iterable[Unit]) -> Unit | None:
        """The first COPY or ADD among ``before`` that stays: the sources, which change with every commit."""
        return next((unit for unit in before if unit.node.name in ("COPY", "ADD") and self.stays(unit)), None)

    def put_above_sources(self, before: Sequence[Unit], text: str) -> None:
        """Put new text above the sources, so that a commit does not have it fetched again; else in the last place."""
        place = self.sources(before)
        if place is not None:
            self.put_above(place, text)
        else:
            self.swap(before[-1], text, comments=False)

    def carry(self, unit: Unit, later: str) -> None:
        """Give an instruction that is no RUN, COPY or ADD its sides.

        ``later``: the text of what stays, in which an ARG may be named.
        """
        node = unit.node
        if node.name in CONFIG:
            return
        if node.name == "ENV":
            if any(pair.key not in RUN_TIME_VARIABLES for pair in node.pairs):
                self.into_builder(unit, comments=False)
        elif node.name == "ARG":
            named = any(mentions_variable(later, token.text.partition("=")[0]) for token in node.tokens)
            self.into_builder(unit, comments=not named)
            if not named:
                self.drop(unit)
        else:  # WORKDIR, USER, SHELL
            self.into_builder(unit, comments=False)

    def prepare(self, unit: Unit, what: Kinds, packages: dict[str, tuple[str, ...]], *, owned: bool) -> list[str]:
        """Give a RUN that sets up the system its sides; the packages that the stage that runs needs of it.

        ``owned``: a COPY or USER of the builder names an account, which must be there then.
        """
        needed = list(dict.fromkeys(one for word in what.packages for one in packages[word]))
        if "system" in what.kinds and not what.packages and self.lists_read(packages):
            self.into_builder(unit, comments=False)
            return []
        if list(what.packages) == needed:  # nothing of it is for the build alone
            if what.kinds & {"accounts"} and not what.packages and not owned:
                return []
            if what.packages and all(bare(word) in RUN_ONLY for word in what.packages):
                return []
            if needed or not what.kinds <= {"system", "clean", "neutral"}:
                self.into_builder(unit, comments=False)
                return []
        self.into_builder(unit, comments=True)
        self.drop(unit)
        return needed

    def lists_read(self, packages: dict[str, tuple[str, ...]]) -> bool:
        """Whether an install that stays relies on the package lists another RUN fetched."""
        for view in self.facts.scripts:
            calls = view.invocations
            installs = [call for call in calls if call.manager.name == "apt" and call.action == "install"]
            if not installs or any(call.manager.name == "apt" and call.action == "update" for call in calls):
                continue
            names = [word.value if word.value is not None else word.text for call in installs for word in call.operands]
            if all(packages.get(name, (name,)) == (name,) for name in names):
                return True
        return False

    def nodes(self) -> list[Node]:
        """What the change touches."""
        touched: list[Node] = [self.stage.from_]
        for unit in self.units:
            if unit.node.id in self._runtime or unit.node.id in self._above:
                touched.append(unit.node)
                touched.extend(unit.lead if unit.node.id in self._moved else ())
        return touched

    def edit(self, editor: Editor, builder_from: str, runtime_from: str) -> None:
        """Make the change. ``builder_from`` and ``runtime_from`` are the two FROM instructions without line end."""
        eol = self.eol
        while self.build and not self.build[-1].strip():
            self.build.pop()
        body = "".join(self.build)
        editor.replace(self.stage.from_, f"{builder_from}{eol}{body}{eol}{runtime_from}{eol}{self._top}")
        gap = False
        for unit in self.units:
            gap = gap or any(isinstance(node, Blank) for node in unit.lead)
            if unit.node.id in self._runtime:
                text = self._runtime[unit.node.id]
                if unit.node.id in self._moved:
                    for node in unit.lead:
                        editor.replace(node, "")
                    if text and gap:
                        text = eol + text
                editor.replace(unit.node, text)
                gap = gap and not text
            else:
                above = self._above.get(unit.node.id)
                if above is not None:
                    first = next((node for node in unit.lead if not isinstance(node, Blank)), unit.node)
                    editor.insert_before(first, ("" if gap else eol) + above + eol)
                gap = False


def names_account(before: Iterable[Unit]) -> bool:
    """Whether a step of the builder belongs to an account, or runs as it: the account must be there too then."""
    return any(
        unit.node.flag("chown") is not None
        or (unit.node.name == "USER" and unit.node.rest.partition(":")[0].strip() not in ("root", "0"))
        for unit in before
    )


def unused_name(facts: Facts) -> str:
    """A name for the stage that builds, which no stage has."""
    name, number = "builder", 1
    while name in facts.stages.names:
        number += 1
        name = f"builder{number}"
    return name


def from_texts(document: Document, stage: Stage, base: str, runtime: str, builder: str) -> tuple[str, str]:
    """The FROM of the builder (as it was, with a name) and that of the stage that runs.

    A variable in the reference stays in both. Impossible where it hides the part that changes.
    """
    node = stage.from_
    args = node.args
    flags = "".join(flag.text + " " for flag in node.flags)
    keyword, as_ = node.keyword, document.keyword("AS")
    if len(args) == 3:
        as_ = args[1]
    written = args[0]
    final = written_like(written, base, runtime)
    if final is None:
        raise Impossible("base-unknown", f"the variable in {written} hides the part of the tag that would change")
    name = f" {as_} {args[2]}" if len(args) == 3 else ""
    return f"{keyword} {flags}{written} {as_} {builder}", f"{keyword} {flags}{final}{name}"


_VARIABLE = re.compile(r"\$(?:\{(\w+)[^}]*\}|(\w+))")
# What people put more than a version number or a code name into: ``3.12-alpine``, another image.
_ANY_TAG = re.compile(r"VARIANT|TAG|IMAGE|BASE|FLAVOU?R", re.I)


def written_like(written: str, value: str, new: str) -> str | None:
    """``new`` with the variables that ``written``, whose value is ``value``, has; None where it cannot be.

    A variable is somebody's to set: what is written behind it must be right for its other values too. So it
    may hold the number at the front of the tag (of Debian's images, the code name), and nothing else that changes.
    """
    if written == value:
        return new
    if "$" not in written:  # docker.io/library/ in front, which the value has too
        return new if written.endswith(value) else None
    bare_text = _VARIABLE.sub(lambda match: "\0" * len(match[0]), written)
    colon = bare_text.rfind(":")
    found = [match for match in _VARIABLE.finditer(written) if match.start() > colon]
    if colon < bare_text.rfind("/") or colon < 0 or len(found) > 1 or (found and found[0].start() != colon + 1):
        return None
    last = max(match.end() for match in _VARIABLE.finditer(written))
    tail = written[last:]
    if not value.endswith(tail):
        return None
    head = value[: len(value) - len(tail)]
    tag = r"\d+(?:\.\d+)*|[a-z]+" if value.startswith("debian:") else r"\d+(?:\.\d+)*"
    if found and (not re.fullmatch(tag, head.rpartition(":")[2]) or _ANY_TAG.search(found[0][1] or found[0][2])):
        return None
    if not new.startswith(head) or (written[last - 1] != "}" and re.match(r"\w", new[len(head) :])):
        return None  # ``$TAG`` would run into what follows it
    return written[:last] + new[len(head) :]


def mentions_variable(text: str, name: str) -> bool:
    """Whether ``$NAME`` or ``${NAME…`` stands in a text."""
    return re.search(rf"\$(?:\{{{name}\b|{name}\b)", text) is not None


def system_packages(
    image: BaseImage, before: list[Unit], after: list[Unit], read: dict[int, Kinds], runtime: str
) -> dict[str, tuple[str, ...]]:
    """What each system package that is installed stands for at run time.

    Checks every RUN on the way: those of ``before`` may build, those of ``after`` belong to what runs.

    :raises Impossible: where a RUN removes packages, mixes sides, or does what is not known.
    """
    found: dict[str, tuple[str, ...]] = {}
    small = lookup(runtime)
    there = small.tools if small is not None else frozenset()
    for unit in (*before, *after):
        node = unit.node
        if node.name != "RUN":
            continue
        what = read[node.id]
        late = unit in after
        if what.kinds & {"remove", "upgrade"}:
            cause = "cleaned-already" if "remove" in what.kinds else "unknown-step"
            raise Impossible(cause, "packages are removed or upgraded here: what is left is not known", node)
        for name in what.others:
            if not late or not (name in BASIC or name in there or name in PACKAGES or name.startswith("python")):
                raise Impossible("unknown-step", f"what {name} does to the image is not known", node)
        for word in what.packages:
            known = at_run_time(word, image)
            if isinstance(known, Unknown):
                raise Impossible("package-unknown", known.reason, node)
            if late and not known.value:
                why = f"{word} is installed after the last build step: what it builds is not known"
                raise Impossible("unknown-step", why, node)
            found[word] = known.value
        if late:
            continue
        if what.kinds & {"install", "build"} and what.kinds & {"layout", "accounts"}:
            raise Impossible("mixed-run", "one RUN builds and sets up the image; dockopt does not take it apart", node)
        if what.kinds & {"layout", "accounts"} and any(found[word] != (word,) for word in what.packages):
            raise Impossible("mixed-run", "one RUN installs build packages and sets up the image", node)
    return found


def copies_into(facts: Facts, node: Instruction) -> str:
    """The absolute path a COPY or ADD writes to, without a slash at its end."""
    target = node.args[-1] if node.args else ""
    if not target or "$" in target:
        raise Impossible("needs-unknown", "where a COPY puts its files is not known", node)
    if not target.startswith("/"):
        workdir = facts.state(node).workdir
        if isinstance(workdir, Unknown):
            raise Impossible("needs-unknown", workdir.reason, node)
        target = posixpath.join(workdir.value, target)
    return posixpath.normpath(target)


def touches_project(facts: Facts, unit: Unit, what: Kinds, root: str) -> bool:
    """Whether a RUN only sets up files below the project's folder: ``chmod +x mvnw``."""
    view = facts.script(unit.node)
    workdir = facts.state(unit.node).workdir
    if view is None or "layout" not in what.kinds or not what.kinds <= {"layout", "neutral", "clean"}:
        return False
    if not isinstance(workdir, Known):
        return False
    for command in view.commands:
        if base_name(command.name or "") not in (*LAYOUT, "rm") or command.name == "mkdir":
            continue
        for value in command.values[2 if command.name in ("chmod", "chown", "chgrp") else 1 :]:
            if value is None:
                return False
            path = posixpath.normpath(posixpath.join(workdir.value, value))
            if not value.startswith("-") and path != root and not path.startswith(root.rstrip("/") + "/"):
                return False
    names = [base_name(command.name or "") for command in view.commands]
    return any(name in (*LAYOUT, "rm") and name != "mkdir" for name in names)


def covered(plan: Split, facts: Facts, node: Instruction) -> bool:
    """Whether a later COPY of the whole context into the same folder brings the same files."""
    seen = False
    for unit in plan.units:
        other = unit.node
        if other is node:
            seen = True
        elif seen and other.name == "COPY" and other.flag("from") is None and other.args[:-1] in ((".",), ("./",)):
            target, whole = copies_into(facts, node), copies_into(facts, other)
            return target == whole or posixpath.dirname(target) == whole
    return False


def no_build_packages(packages: dict[str, tuple[str, ...]]) -> bool:
    """Whether every package that is installed belongs to what runs as well."""
    return all(known == (word,) for word, known in packages.items())


def missing(wanted: Iterable[str], packages: dict[str, tuple[str, ...]]) -> list[str]:
    """Those of the packages that no package of the file stands for."""
    there = {bare(word) for known in packages.values() for word in known}
    return [name for name in dict.fromkeys(wanted) if name not in there]


def install_text(document: Document, image: BaseImage, packages: Iterable[str], *, keep_lists: bool = False) -> str:
    """A RUN that installs packages; nothing for none. ``keep_lists``: a later install relies on apt's lists."""
    wanted = list(dict.fromkeys(packages))
    if not wanted:
        return ""
    if image.distribution == "debian" and image.release in ARCHIVED:
        raise Impossible(
            "package-unknown", f"Debian {image.release} has left the mirrors: nothing can be installed there"
        )
    return render(
        document, "apk_add" if image.manager == "apk" else "apt_install", packages=wanted, keep_lists=keep_lists
    )


def later_text(plan: Split, before: list[Unit]) -> str:
    """The text of what stays in the stage that runs, so far as it may name a build argument."""
    return "\n".join(
        unit.node.text
        for unit in plan.units
        if unit.node.name != "ARG" and not (unit in before and unit.node.name == "RUN")
    )


class Kinds(NamedTuple):
    """What the commands of a RUN are about."""

    kinds: frozenset[
        str
    ]  #: ``system``, ``install``, ``clean``, ``layout``, ``accounts``, ``neutral``, ``remove``, ``other``
    packages: tuple[str, ...]  #: what its system package manager installs, as written
    others: tuple[str, ...]  #: names of the commands that are something else


def kinds(view: ScriptView | None, installers: frozenset[str]) -> Kinds:
    """Read a RUN: every command of its script is given a kind.

    ``installers`` names the package managers whose calls count as ``install``.
    """
    if view is None or view.opaque is not None or view.script.error:
        return Kinds(frozenset(("other",)), (), ("a script that is not read",))
    found: set[str] = set()
    packages: list[str] = []
    others: list[str] = []
    calls = {call.command.start: call for call in view.invocations}
    for command in view.commands:
        call = calls.get(command.start)
        if call is not None and call.manager.name in installers:
            found.add("install")
            continue
        if call is not None and call.manager.name in ("apt", "apk"):
            if call.action == "remove" or (call.option("--virtual", "-t") and call.manager.name == "apk"):
                found.add("remove")
            elif call.action == "upgrade":
                found.add("upgrade")
            else:
                found.add("system")
            if call.action == "install":
                packages.extend(word.value if word.value is not None else word.text for word in call.operands)
            continue
        at = unwrap(command)
        words = command.words[at:]
        if not command.words:
            found.add("neutral")  # an assignment
            continue
        name = words[0].value if words else None
        name = base_name(name) if name else None
        if name == "rm" and all(_CACHES.match(word.text) for word in words[1:] if not word.text.startswith("-")):
            found.add("clean")
        elif name in NEUTRAL:
            found.add("neutral")
        elif name == "rm" and _inside_project(command.values[at + 1 :]):
            found.add("layout")  # files of the project that shall not be in the image
        elif name in LAYOUT:
            found.add("layout")
        elif name in ACCOUNTS:
            found.add("accounts")
        else:
            found.add("other")
            others.append(name or command.words[0].text)
    return Kinds(frozenset(found), tuple(packages), tuple(others))


def _inside_project(values: tuple[str | None, ...]) -> bool:
    """Whether the operands of an ``rm -f`` are names below the working directory, and not all there is."""
    paths = [value for value in values if value is None or not value.startswith("-")]
    forced = any(value is not None and re.match(r"-\w*f|--force", value) for value in values)
    return (
        forced
        and bool(paths)
        and all(
            value and not value.startswith(("/", "~", "*")) and ".." not in value and value != "." for value in paths
        )
    )


def builds_nothing(read: Iterable[Kinds]) -> bool:
    """Whether no package that is installed is there for a build alone, by its name."""
    names = [bare(word) for what in read for word in what.packages]
    return not any(name in BUILD_ONLY or name.endswith("-dev") or name.startswith(("gcc-", "g++-")) for name in names)


def single_stage(facts: Facts) -> Stage:
    """The one stage of a file that may be split.

    :raises Impossible: for several stages, a stage somebody builds by name, ONBUILD.
    """
    stages = facts.stages.all
    stage = stages[-1]
    if len(stages) > 1:
        raise Impossible("multi-stage", "the file has several stages already", stage.from_)
    for node in stage.instructions:
        if node.name == "ONBUILD":
            raise Impossible(
                "onbuild", "ONBUILD runs in images built from this one, which need what this one has", node
            )
    if not any(node.name in ("CMD", "ENTRYPOINT") for node in stage.instructions) and not _served_by_base(facts, stage):
        raise Impossible("needs-unknown", "the file does not say what the image runs", stage.from_)
    if prompts(start_of(facts)):
        raise Impossible("needs-unknown", "the image starts a shell: what is called in it is not known", stage.from_)
    context = facts.context
    if isinstance(context, Known) and context.value.targets:
        raise Impossible(
            "target-used", f"the target {', '.join(context.value.targets)} is built by name: {context.value.evidence}"
        )
    return stage


def _served_by_base(facts: Facts, stage: Stage) -> bool:
    """Whether the base image's own server runs sources that are copied in; without sources it is there to build on."""
    image = facts.base_image(stage)
    if (
        image is None
        or image.name != "php"
        or not any(server in image.cmd for server in ("apache2-foreground", "php-fpm"))
    ):
        return False
    return any(node.name in ("COPY", "ADD") and node.flag("from") is None for node in stage.instructions)


def root_until(facts: Facts, nodes: Iterable[Instruction]) -> None:
    """Check that the instructions run as root."""
    for node in nodes:
        if node.name != "RUN":
            continue
        user = facts.state(node).user
        if isinstance(user, Unknown):
            raise Impossible("build-user", f"which user installs is not known: {user.reason}", node)
        if user.value.partition(":")[0] not in ("root", "0"):
            raise Impossible("build-user", f"the install runs as {user.value}, whose files belong in its home", node)
