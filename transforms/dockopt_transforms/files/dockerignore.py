"""The ignore file of the build context."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
    Document,
    Effects,
    Facts,
    FileEdit,
    Instruction,
    Known,
    Outside,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Transform,
    Unknown,
    load,
    local_sources,
)

if TYPE_CHECKING:
    from dockopt.api import Context
    from dockopt_transforms.files._rules import Rule
    from dockopt_transforms.files._survey import Survey, Texts

MAX_DOCKERFILES = 40


class Dockerignore(Transform):
    """Create or extend `.dockerignore` from the build context.

    What:
        Where COPY or ADD takes a whole folder, writes `.dockerignore` (or adds to the ignore file in force): version
        control, editors' folders, what the languages' tools leave behind (``__pycache__``, ``node_modules``,
        ``target``), secrets (``.env``), logs, and the files beside the sources that no image needs. Each rule is one
        for this context: its language is there, the Dockerfile makes again what the rule hides, and nothing in the
        context reads it. An ignore file that is there keeps every line; only rules that hide something present
        are added.

    Why:
        What is in the context is sent to the builder and, with ``COPY . .``, lands in the image: history, secrets,
        another platform's packages. Each change in it makes every later layer anew.

    Safety:
        Unsafe: files leave the image. Nothing that COPY, ADD or a bind mount of this or another Dockerfile in the
        context names is hidden; that is proven apart from this transform.

    Refuses:
        context-unknown: which folder the image is built from is not known
        ignore-file-broken: Docker refuses the ignore file, or it cannot be read
        exceptions: the ignore file brings things back with ``!``, and what is added below could hide them again
        may-be-read: something that is mostly hidden is there, but a build step or a source may read it

    References:
        https://docs.docker.com/build/concepts/context/#dockerignore-files
        https://docs.docker.com/build/building/best-practices/#exclude-with-dockerignore
    """

    id = "dockerignore"
    phase = Phase.METADATA
    family = "FILES"
    after = ("oci-labels",)
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("copy", "add", "mount")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        first = next((node for stage in facts.stages.all for node in stage.instructions if _from_context(node)), None)
        if first is None:
            return
        context = facts.context
        if isinstance(context, Unknown):
            if _maybe_folder(facts):
                yield Refusal(first, "context-unknown", context.reason)
            return
        if context.value.ignore.error is not None:
            if _maybe_folder(facts):
                yield Refusal(first, "ignore-file-broken", f"Docker refuses {context.value.ignore.error}")
            return
        if not _folders(facts, context.value):
            return
        yield from _Writer(document, facts, context.value, first).results()


def _from_context(node: Instruction) -> bool:
    if node.name in ("COPY", "ADD"):
        return node.flag("from") is None
    return node.name == "RUN" and any(flag.name == "mount" and "from=" not in (flag.value or "") for flag in node.flags)


def _maybe_folder(facts: Facts) -> bool:
    """Whether a source is the whole context or looks like a folder, as far as a name tells."""
    return any("." not in posixpath.basename(source.rstrip("/")).strip(".") for source in local_sources(facts))


def _folders(facts: Facts, context: Context) -> list[str]:
    """The folders of the context that COPY, ADD and bind mounts take whole."""
    found: dict[str, None] = {}
    for source in local_sources(facts):
        matched = context.sources(source)
        for name in matched.value if isinstance(matched, Known) else ():
            if context.is_dir(name):
                found[name] = None
    return list(found)


class _Reader(NamedTuple):
    """A Dockerfile that reads the context."""

    name: str
    facts: Facts
    text: str

    def calls(self, programs: tuple[str, ...]) -> bool:
        return any(self.facts.invocations(name) or self.facts.commands(name) for name in programs)


class _Writer:
    def __init__(self, document: Document, facts: Facts, context: Context, first: Instruction) -> None:
        self.document = document
        self.facts = facts
        self.context = context
        self.first = first

    def results(self) -> Iterator[Proposal | Refusal]:
        from dockopt.api import IgnoreRules
        from dockopt_transforms.files._survey import Texts, survey

        context = self.context
        path = context.ignore_path
        before = _bytes(path)
        if before is None and os.path.lexists(path):
            yield Refusal(self.first, "ignore-file-broken", f"{os.path.basename(path)} cannot be read")
            return
        found = survey(context)
        readers = self._readers(found)
        texts = Texts(context, found)
        chosen: list[Rule] = []
        held: list[str] = []
        text = (before or b"").decode("utf-8", "surrogateescape")
        for rule in self._candidates(found, readers, extend=before is not None):
            why = self._held(rule, found, readers, texts)
            if why is None:
                tried = IgnoreRules(text + "\n" + "\n".join(one.pattern for one in (*chosen, rule)))
                why = self._hidden(readers, context.under(tried))
            if why is None:
                chosen.append(rule)
            elif _present(rule.pattern, found):
                held.append(f"{rule.pattern}: {why}")
        if held:
            yield Refusal(self.first, "may-be-read", "; ".join(held))
        if not chosen:
            return
        name = os.path.basename(path)
        if context.ignore.exceptions:
            yield Refusal(
                self.first,
                "exceptions",
                f"{name} has ! rules, which {', '.join(rule.pattern for rule in chosen)} below them could undo",
            )
            return
        count = f"{len(chosen)} rule{'s' if len(chosen) > 1 else ''}"
        yield Proposal(
            self.first,
            f"create {name} with {count}"
            if before is None
            else f"add {count} to {name}: {', '.join(rule.pattern for rule in chosen)}",
            None,
            safety=Safety.UNSAFE,
            effects=Effects(files_removed=self._gone(chosen)),
            evidence=(f"build context: {context.evidence}",),
            files=(FileEdit(path, before, _text(text, chosen).encode("utf-8", "surrogateescape")),),
        )

    def _candidates(self, found: Survey, readers: list[_Reader], *, extend: bool) -> Iterator[Rule]:
        """The rules that have a place in this context and are not there yet."""
        from dockopt_transforms.files._rules import RULES, Rule

        unused = "Not used in the image"
        # All of them: another one that is built from here must come to the same file.
        built = [reader.name for reader in readers if self._built_from_here(reader)]
        rules = [*RULES, *(Rule(name, unused, present=True) for name in sorted(built))]
        rules.append(Rule(".dockerignore", unused, present=True))
        seen: set[str] = set()
        for rule in rules:
            anchored = not rule.pattern.startswith("**/")
            if rule.needs and not (
                rule.needs in found.files if anchored and "." not in rule.needs[:1] else found.holds(rule.needs)
            ):
                continue
            if rule.pattern in seen or ((extend or rule.present) and not _present(rule.pattern, found)):
                continue
            if extend and rule.pattern in (*built, ".dockerignore", ".gitignore"):
                continue  # a file kept by hand left them in: they weigh nothing
            if all(self.context.ignore.match(probe) for probe in _probes(rule.pattern)):
                continue
            seen.add(rule.pattern)
            yield rule

    def _built_from_here(self, reader: _Reader) -> bool:
        """Whether a Dockerfile in this context is built from it, and not from a folder of its own."""
        if reader.facts is self.facts or "/" not in reader.name:
            return not reader.name.startswith("../")
        own = Facts(reader.facts.document, Outside(self.context.path(reader.name))).context
        return isinstance(own, Known) and own.value.root == self.context.root

    def _readers(self, found: Survey) -> list[_Reader]:
        """Every Dockerfile that may read this context: the one at hand, and others in it."""
        own = os.path.relpath(self.context.dockerfile, self.context.root).replace(os.sep, "/")
        readers = [_Reader(own, self.facts, self.document.text)]
        others = [name for name in found.files if name != own and _is_dockerfile(posixpath.basename(name))]
        for name in others[:MAX_DOCKERFILES]:
            path = self.context.path(name)
            data = _bytes(path)
            document = load(data or b"")
            if document.instructions and not document.problems:
                facts = Facts(document, Outside(path, self.context.root))
                readers.append(_Reader(name, facts, document.text))
        return readers

    def _held(self, rule: Rule, found: Survey, readers: list[_Reader], texts: Texts) -> str | None:
        """Why a rule may not be written, None where it may."""
        if rule.made_by:
            for reader in readers:
                if _folders(reader.facts, self.context) and not reader.calls(rule.made_by):
                    return f"{reader.name} does not call {rule.made_by[0]}, which would make it again"
        if rule.pattern in ("**/venv", "**/.venv"):
            for folder in found.folders:
                if posixpath.basename(folder) == rule.pattern[3:] and not os.path.isfile(
                    self.context.path(folder + "/pyvenv.cfg")
                ):
                    return f"{folder} is no virtual environment"
        if rule.pattern in ("**/bin", "**/obj"):
            for folder in found.folders:
                above = posixpath.dirname(folder)
                if posixpath.basename(folder) == rule.pattern[3:] and not any(
                    name.endswith("proj") and posixpath.dirname(name) == above for name in found.files
                ):
                    return f"{folder} lies beside no project file"
        if rule.read_by is not None or rule.run_by is not None:
            if not texts.complete:
                return "the context holds more than was looked at"
            for pattern in filter(None, (rule.read_by, rule.run_by)):
                for reader in readers:
                    if pattern.search(reader.text):
                        return f"{reader.name} may read it"
            where = texts.mention(rule.read_by, outside=rule.own) if rule.read_by is not None else None
            if where is not None:
                return f"{where} may read it"
        return None

    def _hidden(self, readers: list[_Reader], after: Context) -> str | None:
        """What a Dockerfile names that the new rules would hide."""
        for reader in readers:
            for source in local_sources(reader.facts):
                old = self.context.sources(source)
                if isinstance(old, Known) and after.sources(source) != old:
                    return f"{reader.name} copies {source}"
        return None

    def _gone(self, chosen: list[Rule]) -> tuple[str, ...]:
        """Globs of what leaves the image, wherever a folder of the context is copied to."""
        globs: dict[str, None] = {}
        for rule in chosen:
            name = rule.pattern.removeprefix("**/")
            globs[f"/**/{name}"] = None
            globs[f"/**/{name}/**"] = None
        return tuple(globs)


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(2_000_000)
    except OSError:
        return None


def _is_dockerfile(name: str) -> bool:
    lower = name.lower()
    if lower.endswith((".dockerignore", ".md", ".j2", ".orig", ".bak", ".expected")):
        return False
    return lower.startswith(("dockerfile", "containerfile")) or lower.endswith((".dockerfile", ".containerfile"))


def _probes(pattern: str) -> tuple[str, ...]:
    """Paths a rule stands for."""
    name = pattern.removeprefix("**/").replace("*", "a")
    return (name, f"a/{name}") if pattern.startswith("**/") else (name,)


def _present(pattern: str, found: Survey) -> bool:
    """Whether something visible in the context answers to a rule."""
    name = pattern.removeprefix("**/")
    if not pattern.startswith("**/"):
        return name in found.files or name in found.folders
    if name.startswith("*"):
        return found.holds(name[1:])
    return any(posixpath.basename(one) == name for one in (*found.files, *found.folders))


def _text(before: str, chosen: list[Rule]) -> str:
    """The ignore file with the rules at its end, each group under its comment."""
    eol = "\r\n" if before.count("\r\n") * 2 > before.count("\n") else "\n"
    out: list[str] = []
    titles: dict[str, list[str]] = {}
    for rule in chosen:
        titles.setdefault(rule.title, []).append(rule.pattern)
    for title, patterns in titles.items():
        out.append("")
        out += [f"# {title}", *patterns]
    lines = out if before.strip() else out[1:]
    start = before if not before or before.endswith("\n") else before + eol
    return start + "".join(line + eol for line in lines)
