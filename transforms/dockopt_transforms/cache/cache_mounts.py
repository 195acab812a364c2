"""Caches are mounted instead of thrown away."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from dockopt.api import (
    Command,
    Document,
    Edit,
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
    Stage,
    Transform,
    Word,
    base_name,
    command_indent,
    delete_word,
    expand_known,
    insert_after,
    operator_break,
    replace,
    splice,
    splice_text,
    split_tag,
    unwrap,
)
from dockopt_transforms.cache._installs import bundler_setting
from dockopt_transforms.cache._tools import TOOLS, Tool, Use, only_fetches, uses
from dockopt_transforms.packages import _apt
from dockopt_transforms.packages._cleanup import assigned, later_scripts, mount_targets, mounted, started
from dockopt_transforms.packages._errexit import ends_script

_WIDTH = 100
_ROOT = ("", "root", "0")
_VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^{}]*))?\}|\$(\w+)")
# Flags by which a tool fetches nothing; npm's and Yarn's ``--prefer-offline`` is none.
_OFFLINE = {
    "cargo": frozenset(("--offline", "--frozen")),
    "maven": frozenset(("-o", "--offline")),
    "gradle": frozenset(("--offline",)),
    "dotnet": frozenset(("--no-restore",)),
    "npm": frozenset(("--offline",)),
    "yarn": frozenset(("--offline",)),
    "pnpm": frozenset(("--offline",)),
    "uv": frozenset(("--offline",)),
}
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
_RUNNERS = frozenset(("make", "just", "task", "ansible-playbook"))
_DOCKER_CLEAN = "/etc/apt/apt.conf.d/docker-clean"
_BERRY = (
    ".yarnrc.yml",
    ".yarn/",
    "corepack",
    "yarn set version",
    "yarn-berry",
    "yarn@berry",
    "yarn plugin",
    "--immutable",
)


class _Problem(NamedTuple):
    cause: str
    reason: str


class _Mounts(NamedTuple):
    """The mounts one tool's calls in a RUN get, and what changes in the script."""

    tool: Tool
    targets: tuple[str, ...]
    edits: tuple[Edit, ...]
    items: frozenset[int] = frozenset()  #: elements of the list that only empty the cache: they go
    lead: int = -1  #: the element of the list that switching off apt's own cleaning goes before


class CacheMounts(Transform):
    """Keep what package managers download in a cache mount.

    What:
        Adds ``--mount=type=cache`` to a RUN for what its tools download: apt, apk, dnf, pip, uv, Poetry, Pipenv, npm,
        Yarn 1, pnpm, Bun, Go, Cargo, Maven, Gradle, NuGet, Composer and Bundler. What speaks against a cache then
        goes: ``--no-cache-dir``, ``rm -rf /var/lib/apt/lists/*``, ``npm cache clean --force`` and the like. For
        apt it takes the official images' own ``docker-clean`` away, which empties the cache after every call.

    Why:
        A cache that is mounted outlives the build, so that a changed manifest downloads what changed and not
        everything, and none of it is in the image. A hadolint that knows mounts (2.12 or later) takes one for as
        good as the flag or the removal.

    Safety:
        Unsafe: the same is installed, but a builder without BuildKit (``docker build`` before 23 unless told
        to, and others) does not know mounts, or ignores them and then keeps the cache in the image. With apt an
        image made ``FROM`` this one keeps the packages it downloads unless it removes them. ``syntax-directive``
        names the language for an older Docker; it is off by default since its frontend is fetched from a
        registry, which not every builder can reach.

    Refuses:
        user-unknown: who runs the RUN is not root, and uid or home are not known, so the cache could not be written
        moved-cache: HOME, a variable, a flag or a configuration puts the cache elsewhere
        cache-disabled: the environment turns the cache off for every call
        cache-unknown: where the tool, or this version of it, keeps its cache on this image is not known
        copied-there: a COPY or ADD puts files where the cache would be mounted over them
        kept-in-layer: a RUN that only downloads keeps it in a layer of its own
        read-later: a later step or the finished image reads what is in the cache
        later-install: a later RUN installs without an update of its own, or cannot have the mounts too
        no-update: the RUN installs with package lists that an earlier one fetched
        cleanup-stays: the script removes the cache, or a folder above it, where that cannot be taken out

    References:
        https://docs.docker.com/build/cache/optimize/#use-cache-mounts
        https://docs.docker.com/reference/dockerfile/#run---mounttypecache
        https://docs.astral.sh/uv/guides/integration/docker/#caching
        https://pnpm.io/docker
        hadolint DL3009, DL3019, DL3040, DL3042
    """

    id = "cache-mounts"
    # After the layers are what they shall be: RUNs with different mounts are not merged.
    phase = Phase.LAYERS
    family = "CACHE"
    after = ("merge-runs", "clean-where-made")
    safety = "unsafe"
    mildest = "unsafe"
    mentions = (
        "pip",
        "uv ",
        "poetry",
        "npm",
        "yarn",
        "bun",
        "go ",
        "cargo",
        "mvn",
        "gradle",
        "dotnet",
        "composer",
        "apk",
        "dnf",
        "apt",
    )

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for view in facts.scripts:
            if view.opaque is not None or view.stage.windows:
                continue
            found = uses(view)
            mounts: list[_Mounts] = []
            for tool in TOOLS:
                own = found.get(tool.name)
                if own and any(tool.fills(use) for use in own):
                    result = _Planner(facts, view, tool, own).plan()
                    if isinstance(result, _Problem):
                        yield Refusal(view.instruction, *result)
                    elif result is not None:
                        mounts.append(result)
            if mounts:
                cuts = _cuts(facts, view, mounts)
                if isinstance(cuts, _Problem):
                    yield Refusal(view.instruction, *cuts)
                else:
                    yield _proposal(document, facts, view, mounts, cuts)


def _together(one: ScriptView, other: ScriptView) -> bool:
    """Whether nothing between two RUNs of a stage makes the builder run the second and not the first."""
    if one.stage is not other.stage:
        return False
    nodes = one.stage.instructions
    between = nodes[nodes.index(one.instruction) : nodes.index(other.instruction)]
    return not any(node.name in ("COPY", "ADD", "ARG") for node in between)


class _Planner:
    """One tool in one RUN."""

    def __init__(self, facts: Facts, view: ScriptView, tool: Tool, own: list[Use]) -> None:
        self.facts = facts
        self.view = view
        self.node = view.instruction
        self.tool = tool
        self.uses = own
        self.state = facts.state(self.node)
        self.base = facts.base_image(view.stage)
        self.home = "/root"
        self.owner = ""
        self.caches = tool.caches

    def plan(self, alone: bool = False) -> _Mounts | _Problem | None:
        """None where a mount lies there already."""
        if any(_overlaps(target, cache) for target in mount_targets(self.node) for cache in self._rough()):
            return None
        return self._who() or self._moved() or self._offline() or self._kept() or self._with(self._targets(), alone)

    def _offline(self) -> _Problem | None:
        """Whether a RUN works without the network, by what one in another layer has put there.

        A mount is emptied at any time and is empty on another machine, while the layer of the RUN that filled it is
        still taken from the cache, unless whatever runs the one runs the other as well.
        """
        flags = _OFFLINE.get(self.tool.name, frozenset())
        stage = self.view.stage
        family = [*stage.chain, *self.facts.stages.descendants(stage)] if flags else []
        fetched: ScriptView | None = None
        for view in self.facts.scripts:
            if view.stage not in family or view.opaque is not None:
                continue
            for use in uses(view).get(self.tool.name, ()):
                if not any(word.text in flags for word in use.words[1:]):
                    fetched = view if self.tool.fills(use) else fetched
                elif fetched is None or not _together(fetched, view):
                    line = f"line {view.instruction.start_line}"
                    return _Problem("read-later", f"{line} takes what another step has fetched, and nothing else")
        return None

    def _kept(self) -> _Problem | None:
        """Whether a RUN of its own puts what the tool downloads into a layer, for the RUNs below to read there.

        That layer is the better cache: it goes to a registry with the others, so that builders that start empty have
        it too, and a mount over it would leave nothing in it.
        """
        tool = self.tool
        if not tool.read_later:
            return None
        stage = self.view.stage
        family = [*stage.chain, *self.facts.stages.descendants(stage)]
        others = [view for view in self.facts.scripts if view.stage in family and view.opaque is None]
        users = [view for view in others if any(tool.fills(use) for use in uses(view).get(tool.name, ()))]
        first = next((view for view in users if only_fetches(tool.name, uses(view)[tool.name])), None)
        if first is None or first is users[-1] or mounted(first.instruction, tool.caches):
            return None
        nodes = [node for each in reversed(users[-1].stage.chain) for node in each.instructions]
        if first.instruction not in nodes:
            return None
        between = nodes[nodes.index(first.instruction) : nodes.index(users[-1].instruction)]
        if not any(node.name in ("COPY", "ADD") for node in between):
            return None  # it stands below the sources, and so is made again with every build
        line = f"line {first.instruction.start_line}"
        if first is self.view or tool.name != "go":
            return _Problem("kept-in-layer", f"{line} has a layer of its own for what {tool.name} downloads")
        self.caches = ("~/.cache/go-build",)
        return None

    def _rough(self) -> list[str]:
        """Where the caches are, as far as it can be told without knowing who runs it."""
        return [cache.replace("~", home) for cache in self.tool.caches for home in ("/root", "/home/node")] + [
            path for path in (self._expanded(cache) for cache in self.tool.caches) if path is not None
        ]

    def _who(self) -> _Problem | None:
        user = self.state.user
        if not isinstance(user, Known):
            return _Problem("user-unknown", user.reason)
        name = user.value.partition(":")[0]
        if name in _ROOT:
            return None
        # Of the official images' own accounts only this one has a home that its documentation names.
        if name in ("node", "1000") and self.base is not None and self.base.name == "node":
            self.home, self.owner = "/home/node", ",uid=1000,gid=1000"
            return None
        return _Problem("user-unknown", f"uid and home of {user.value}, who runs {self.tool.name}, are not known")

    def _moved(self) -> _Problem | None:
        tool, env = self.tool, self.state.env
        own = {name for use in self.uses if use.call is not None for name in assigned(use.call)}
        own |= {word.text.partition("=")[0] for use in self.uses for word in use.command.assignments}
        for name in tool.off:
            if env.get(name, "") != "" or name in own:
                return _Problem("cache-disabled", f"{name} is set")
        for name in ("HOME", *tool.moved_by):
            if name in env or name in own:
                return _Problem("moved-cache", f"{name} may say where {tool.name} keeps its cache")
        for use in self.uses:
            for flag in tool.moved_flags:
                if any(word.text == flag or word.text.startswith(flag + "=") for word in use.words[1:]):
                    return _Problem("moved-cache", f"{flag} says where {tool.name} keeps its cache")
        if tool.name == "apt" and any("dir::" in word.text.lower() for use in self.uses for word in use.words):
            return _Problem("moved-cache", "an option says where apt keeps its files")
        if tool.name == "maven" and self.facts.mentions("maven.repo.local", "<localrepository>"):
            return _Problem("moved-cache", "maven.repo.local says where Maven keeps what it downloads")
        if tool.name == "yarn" and self.facts.mentions(*_BERRY):
            return _Problem("cache-unknown", "this may be Yarn 2 or later, which keeps its cache elsewhere")
        if tool.name == "pip" and self.facts.mentions("pip.conf", "pip config"):
            return _Problem("moved-cache", "pip is configured in this file")
        if tool.name == "bundle" and self._bundler_moved():
            return _Problem("moved-cache", "Bundler is configured in this file")
        if tool.name == "apk" and self.facts.mentions("/etc/apk/cache"):
            return _Problem("moved-cache", "apk's cache is set up in this file")
        return None

    def _bundler_moved(self) -> bool:
        """Whether a setting of Bundler may put gems, and with them its cache, elsewhere."""
        if self.facts.mentions("bundle_app_config", ".bundle/config"):
            return True
        calls = [call for _, call in self.facts.invocations("bundle") if call.verb == "config"]
        keys = [bundler_setting(call) for call in calls]
        unread = self.facts.text.count("bundle config") != len(calls)
        return unread or any(key in (None, "path", "deployment") for key in keys)

    def _expanded(self, cache: str) -> str | None:
        """A cache's path, None where a variable in it is not known."""
        if cache.startswith("~"):
            return self.home + cache[1:]
        if not cache.startswith("$"):
            return cache
        name, _, rest = cache[1:].partition("/")
        value = self.state.env.get(name)
        if value is None and name not in self.state.env and self.base is not None:
            value = self.base.env.get(name)
            if value is None:
                value = {"GOPATH": f"{self.home}/go", "CARGO_HOME": f"{self.home}/.cargo"}.get(name)
        return f"{value}/{rest}" if value is not None and value.startswith("/") else None

    def _targets(self) -> tuple[str, ...] | _Problem:
        tool, base = self.tool, self.base
        caches = self.caches
        if tool.name == "apk" and base is not None and _older(base.release, (3, 10)):
            return _Problem("cache-unknown", f"the apk of Alpine {base.release} may not know --cache-dir")
        golang = base is not None and base.name == "golang"
        if tool.name == "go" and base is not None and golang and _older(split_tag(base.tag)[0], (1, 13)):
            return _Problem("cache-unknown", f"{base.reference} is from before Go kept modules in one place")
        if tool.name == "yarn" and self.owner:
            caches = ("~/.cache/yarn",)
        elif tool.name == "pnpm" and "PNPM_HOME" in self.state.env:
            caches = ("$PNPM_HOME/store",)
        elif tool.name == "gradle":
            if base is not None and base.name == "gradle":
                caches = ("/home/gradle/.gradle/caches",)  # /root/.gradle is a link to it
            if any(base_name(use.words[0].text) == "gradlew" for use in self.uses):
                caches += ("~/.gradle/wrapper",)
        found = [self._expanded(cache) for cache in caches]
        if None in found:
            return _Problem("cache-unknown", f"where {tool.name} keeps its cache on this image is not known")
        return tuple(path for path in found if path is not None)

    def _with(self, targets: tuple[str, ...] | _Problem, alone: bool) -> _Mounts | _Problem | None:
        if isinstance(targets, _Problem):
            return targets
        if any(_overlaps(one, target) for one in mount_targets(self.node) for target in targets):
            return None
        problem = (
            self._copied(targets) or self._read(targets) or (self._apt(alone) if self.tool.name == "apt" else None)
        )
        if problem is not None:
            return problem
        cleaned = self._cleaned(targets)
        if isinstance(cleaned, _Problem):
            return cleaned
        edits, items = cleaned
        edits += [edit for use in self.uses if use.command.item not in items for edit in self._flags(use)]
        lead = -1
        if self.tool.name == "apt":
            lead = min(use.command.item for use in self.uses if use.command.item not in items)
            if self.view.script.items[lead].operator in ("||", "&"):
                return _Problem("cleanup-stays", "whether apt runs at all is decided in the script")
        return _Mounts(self.tool, targets, tuple(edits), frozenset(items), lead)

    def _flags(self, use: Use) -> list[Edit]:
        """The edits that make a call use its cache."""
        call, script = use.call, self.view.script
        if self.tool.name == "apk":
            if call is None or call.verb_word is None or call.verb != "add":
                return []
            no = call.option("--no-cache")
            if no is not None:
                return [replace(no.word, "--update-cache --cache-dir=/var/cache/apk")]
            return [insert_after(call.verb_word, "--cache-dir=/var/cache/apk")]
        if self.tool.name == "dnf":
            keeps = any("keepcache" in word.text for word in use.words)
            if call is None or call.verb_word is None or keeps or not self.tool.fills(use):
                return []
            return [insert_after(call.verb_word, "--setopt=keepcache=1")]
        if call is not None and not self.tool.fills(use):
            return []
        return [delete_word(script, word) for word in use.words[1:] if word.text.split("=")[0] in self.tool.dropped]

    def _copied(self, targets: tuple[str, ...]) -> _Problem | None:
        for stage in self.view.stage.chain:
            for node in stage.instructions:
                if node.name not in ("COPY", "ADD") or not node.args:
                    continue
                state = self.facts.state(node)
                place = expand_known(node.args[-1], state.env, node.escape)
                if place is None:
                    continue
                if not place.startswith("/"):
                    if not isinstance(state.workdir, Known):
                        continue
                    place = posixpath.join(state.workdir.value, place)
                place = posixpath.normpath(place)
                for target in targets:
                    if _inside(place, target):
                        return _Problem("copied-there", f"line {node.start_line} copies to {place}")
        return None

    def _read(self, targets: tuple[str, ...]) -> _Problem | None:
        """Who reads what is in the cache, after this RUN and without its mounts."""
        facts, view, tool = self.facts, self.view, self.tool
        family = [view.stage, *facts.stages.descendants(view.stage)]
        for stage in facts.stages.all:
            for node in stage.instructions:
                problem = self._copied_out(node, family, targets)
                if problem is not None:
                    return problem
        for other in later_scripts(facts, view):
            line = f"line {other.instruction.start_line}"
            if self._names(other, targets):
                return _Problem("read-later", f"{line} names the cache's folder")
            if tool.read_later and (other.opaque is not None or any(_runs_script(one) for one in other.commands)):
                return _Problem("read-later", f"{line} runs a script that may read what {tool.name} keeps there")
        if not tool.read_later:
            return None
        for stage in family:
            for node in stage.instructions:
                if node.name == "RUN" and node.json is not None and self._called(node.json):
                    return _Problem("read-later", f"line {node.start_line} may read what {tool.name} keeps there")
        if not facts.stages.ships(view.stage):
            return None
        starts = list(started(facts, view))
        if not any(start.name in ("CMD", "ENTRYPOINT") for start in starts):
            return _Problem("read-later", f"what the image runs is not in this file, and {tool.name} may be it")
        for start in starts:
            words = start.json if start.json is not None else tuple(start.rest.split())
            if self._called(words) or any(_script(base_name(word.strip("\"'"))) for word in words):
                return _Problem("read-later", f"line {start.start_line} may run {tool.name} in the finished image")
        return None

    def _called(self, words: tuple[str, ...]) -> bool:
        names = {base_name(word.strip("\"'`;()")) for word in words}
        from dockopt.api import MANAGERS

        return bool(names & set(MANAGERS[self.tool.name].commands))

    def _copied_out(self, node: Instruction, family: list[Stage], targets: tuple[str, ...]) -> _Problem | None:
        flag = node.flag("from") if node.name == "COPY" else None
        if flag is None or not flag.value or self.facts.stages.find(flag.value) not in family:
            return None
        for source in node.args[:-1]:
            path = posixpath.normpath("/" + source.lstrip("/")).rstrip("*")
            for target in targets:
                if _inside(path, target) or (self.tool.read_later and _inside(target, path)):
                    return _Problem("read-later", f"line {node.start_line} copies {source}, which the cache is part of")
        return None

    def _names(self, view: ScriptView, targets: tuple[str, ...]) -> bool:
        """Whether a later script does something with the cache's folder but remove it."""
        text = view.script.text
        if not any(target in text or target.replace(self.home, "~") in text for target in targets):
            return False
        return not all(
            base_name(command.name or "") in ("rm", "find")
            for command in view.commands
            for word in command.words
            if any(target in word.text or target.replace(self.home, "~") in word.text for target in targets)
        )

    def _apt(self, alone: bool) -> _Problem | None:
        """What must hold for the lists to be in a mount: every RUN of the stage fetches its own.

        :param alone: do not look at what other RUNs can have.
        """
        facts, view = self.facts, self.view
        updated = False
        for use in _apt.uses_of(view.script):
            if use.kind == "update" and not use.conditional:
                updated = True
            elif use.kind == "read" and not updated:
                return _Problem("no-update", "the RUN installs with package lists that were there before")
        need = _apt.later_need(facts, view.stage, self.node)
        if need.level >= _apt.LIKELY and need.node is not None:
            return _Problem("later-install", f"line {need.node.start_line} needs the package lists of this RUN")
        if alone:
            return None
        for other in later_scripts(facts, view):
            calls = uses(other).get("apt", []) if other.opaque is None else []
            if not any(self.tool.fills(use) for use in calls) or _apt.lists_mount(other.instruction):
                continue
            # With docker-clean gone a RUN without the mount would keep what it downloads in its layer.
            if not isinstance(_Planner(facts, other, self.tool, calls).plan(alone=True), _Mounts):
                line = f"line {other.instruction.start_line}"
                return _Problem("later-install", f"{line} installs as well, and cannot have the mounts")
        return None

    def _cleaned(self, targets: tuple[str, ...]) -> tuple[list[Edit], set[int]] | _Problem:
        """The edits and the elements to take out so that the script no longer empties the cache."""
        script = self.view.script
        edits: list[Edit] = []
        items: set[int] = set()
        for command in self.view.commands:
            empties = self._empties(command, targets)
            if empties is None:
                continue
            if isinstance(empties, _Problem):
                return empties
            if command.redirects or command.end > self.view.editable_end:
                return _Problem("cleanup-stays", f"{_shown(command)} is redirected")
            if empties:
                edits += [delete_word(script, word) for word in empties]
            elif not command.top or any(
                other.item == command.item for other in script.commands if other is not command
            ):
                return _Problem("cleanup-stays", f"{_shown(command)} is part of a larger construct")
            else:
                items.add(command.item)
        return edits, items

    def _empties(self, command: Command, targets: tuple[str, ...]) -> list[Word] | _Problem | None:
        """The operands of a removal that name the cache; an empty list where the whole command goes."""
        own = next((use for use in self.uses if use.command is command), None)
        if own is not None and own.call is not None and own.call.action == "clean":
            return []
        index = unwrap(command)
        name = base_name(command.words[index].value or "") if index < len(command.words) else ""
        if name not in ("rm", "find", "rmdir", "mv"):
            return None
        if name == "find" and not any(word.value in ("-delete", "rm") for word in command.words):
            return None
        operands = [word for word in command.words[index + 1 :] if not word.text.startswith("-")]
        within: list[Word] = []
        for word in operands:
            path = self._path(word)
            if "$" in path and any(posixpath.basename(target) in path for target in targets):
                return _Problem("cleanup-stays", f"what {word.text} stands for is not known")
            fixed = path.partition("*")[0]
            folder = fixed[: fixed.rfind("/")] if fixed != path else path
            if any(_inside(folder, target) for target in targets):
                within.append(word)
            elif any(_inside(target, path) if fixed == path else target.startswith(fixed) for target in targets):
                return _Problem("cleanup-stays", f"{_shown(command)} removes a folder that the cache is mounted in")
        if not within:
            return None
        if name != "rm":
            return _Problem("cleanup-stays", f"{_shown(command)} empties the cache")
        return [] if len(within) == len(operands) else within

    def _path(self, word: Word) -> str:
        """The path an operand stands for; ``$`` is left in it where a variable is not known."""
        text = word.text.replace('"', "").replace("'", "")
        if text == "~" or text.startswith("~/"):
            text = self.home + text[1:]
        for _ in range(4):
            text = _VARIABLE.sub(self._value, text)
        if self.base is not None and self.base.name == "gradle" and _inside(text, "/root/.gradle"):
            text = "/home/gradle" + text[5:]  # the official image has a link there
        return posixpath.normpath(text)

    def _value(self, match: re.Match[str]) -> str:
        name = match[1] or match[3]
        value = self.home if name == "HOME" else self.state.env.get(name)
        if value is None and name not in self.state.env and self.base is not None:
            value = self.base.env.get(name)
            if value is None and self.base.exact:
                value = match[2]
        return value if value is not None else match[0]


def _older(version: str, than: tuple[int, int]) -> bool:
    """Whether a version, of which two numbers count, comes before another; one without two numbers does not."""
    numbers = version.split(".")[:2]
    return len(numbers) == 2 and all(n.isdigit() for n in numbers) and tuple(map(int, numbers)) < than


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _overlaps(one: str, other: str) -> bool:
    one, other = one.rstrip("/"), other.rstrip("/")
    return "$" in one or _inside(one, other) or _inside(other, one)


def _shown(command: Command) -> str:
    return " ".join(word.text for word in command.words[:3])


def _script(name: str) -> bool:
    return name in _RUNNERS or name.endswith((".sh", ".bash"))


def _runs_script(command: Command) -> bool:
    index = unwrap(command)
    words = command.words[index:]
    if not words:
        return False
    name = base_name(words[0].text)
    return _script(name) or (name in _SHELLS and len(words) > 1)


def _emptied(command: Command, edits: list[Edit]) -> bool:
    """Whether a removal would be left without anything to remove."""
    index = unwrap(command)
    if index >= len(command.words) or base_name(command.words[index].value or "") != "rm":
        return False
    operands = [word for word in command.words[index + 1 :] if not word.text.startswith("-")]
    return bool(operands) and all(any(start <= word.start < end for start, end, _ in edits) for word in operands)


def _cuts(facts: Facts, view: ScriptView, mounts: list[_Mounts]) -> list[Edit] | _Problem:
    """The edits that take elements of the list out, neighbours together."""
    items = {index for one in mounts for index in one.items}
    edits = [edit for one in mounts for edit in one.edits]
    ranges: list[tuple[int, int]] = []
    for index in sorted(items):
        if ranges and ranges[-1][1] == index - 1:
            ranges[-1] = (ranges[-1][0], index)
        else:
            ranges.append((index, index))
    listed = view.script.items
    cuts: list[Edit] = []
    if any(_emptied(command, edits) for command in view.commands if command.item not in items):
        return _Problem("cleanup-stays", "one command removes the caches of several tools")
    for first, last in ranges:
        cut = _apt.drop_items(view, first, last)
        after = listed[last + 1].operator if last + 1 < len(listed) else ""
        operator = listed[first].operator
        if operator in (";", "\n") and not after and not ends_script(facts, view, first - 1):
            return _Problem("cleanup-stays", "without the removal the RUN would end with another command's status")
        if cut is None or operator == "||" or after == "||" or view.script.comments:
            return _Problem("cleanup-stays", "the removal of the cache cannot be taken out of the script")
        cuts.append(cut)
    return cuts


def _proposal(document: Document, facts: Facts, view: ScriptView, mounts: list[_Mounts], cuts: list[Edit]) -> Proposal:
    node = view.instruction
    flags: list[str] = []
    edits: list[Edit] = []
    lead: Edit | None = None
    owner = ""
    user = facts.state(node).user
    if isinstance(user, Known) and user.value.partition(":")[0] not in _ROOT:
        owner = ",uid=1000,gid=1000"
    for one in mounts:
        sharing = "" if one.tool.shared else ",sharing=locked"
        flags += [f"--mount=type=cache,target={target}{sharing}{owner}" for target in one.targets]
        edits += one.edits
        if one.lead >= 0:
            lead = _without_docker_clean(document, view, one.lead)
    flags = list(dict.fromkeys(flags))
    # Two tools may empty their caches in one command, and one command may go as a whole.
    gone = [view.script.items[index] for one in mounts for index in one.items]
    kept = [edit for edit in edits if not any(item.start <= edit[0] < item.end for item in gone)]
    edits = [*dict.fromkeys(kept), *cuts]

    def edit(editor: Editor) -> None:
        editor.replace(node, _text(document, view, flags, edits, lead))

    names = [one.tool.name for one in mounts]
    shown = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    removed = [f"{target}/**" for one in mounts for target in one.targets]
    if lead is not None:
        removed.append(_DOCKER_CLEAN)
    return Proposal(
        node,
        f"mount the cache of {shown}" if len(names) == 1 else f"mount the caches of {shown}",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(files_removed=tuple(removed)),
    )


def _without_docker_clean(document: Document, view: ScriptView, index: int) -> Edit:
    """The edit that takes docker-clean away before an element of the list."""
    item = view.script.items[index]
    command = f"rm -f {_DOCKER_CLEAN}"
    if view.heredoc is not None:
        start = view.script.text.rfind("\n", 0, item.start) + 1
        indent = view.script.text[start : item.start]
        if not indent.strip() and item.operator in ("", "\n"):
            return (item.start, item.start, f"{command}{document.eol}{indent}")
        return (item.start, item.start, f"{command} && ")
    node = view.instruction
    several = sum(line.logical >= 0 for line in node.lines) > 1
    joint = operator_break(document, node if several else None)
    return (item.start, item.start, command + joint)


def _text(document: Document, view: ScriptView, flags: list[str], edits: list[Edit], lead: Edit | None) -> str:
    """The RUN with its mounts."""
    node = view.instruction
    base = node.args_start
    own = [*edits, lead] if lead is not None else edits
    if view.heredoc is not None:
        body = node.heredocs[view.heredoc].body_start
        at = node.raw_offset(base, after=True)
        shifted = [(start + body, end + body, text) for start, end, text in own]
        return splice_text(node.text, [(at, at, " ".join(flags) + " "), *shifted])
    several = sum(line.logical >= 0 for line in node.lines) > 1
    indent = command_indent(document, node) if several else document.indent
    if len(indent.expandtabs(4)) > 8:
        indent = "    "
    broken = f" {document.escape}{document.eol}{indent}"
    length = len(node.line.rstrip()) + len(flags[0]) + 1 + sum(len(text) - (end - start) for start, end, text in own)
    short = not several and lead is None and len(flags) == 1 and length <= _WIDTH
    head = (" " if short else broken).join(flags) + (" " if short else broken)
    shifted = [(start + base, end + base, text) for start, end, text in own if (start, end) != (0, 0)]
    first = "".join(text for start, end, text in own if (start, end) == (0, 0))
    return splice(node, [(base, base, head + first), *shifted])
