"""How well a Dockerfile does by the quick checklist of the optimization strategies.

Each line of the list is decided on facts, with evidence, and names the transforms that put it right and what
they say of this file. A line that does not apply takes no points off; one that cannot be decided earns none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from dockopt.engine.model import Entry, Outcome
from dockopt.engine.pipeline import Options, rewrite
from dockopt.engine.registry import registry
from dockopt.facts.base import runtime, slim, split_reference
from dockopt.facts.facts import Facts
from dockopt.facts.outside import Outside, local_sources
from dockopt.facts.stages import Stage, sources
from dockopt.facts.value import Known, Unknown
from dockopt.syntax.document import load
from dockopt.syntax.nodes import Directive, Instruction


class Verdict(NamedTuple):
    """What a line of the list came to."""

    status: str  #: ``pass``, ``part``, ``fail``, ``unknown``, or ``none`` where the line does not apply
    evidence: str


class Line(NamedTuple):
    """One line of the list, for one file."""

    id: str
    title: str  #: the line's words
    points: int  #: earned
    possible: int  #: 0 where it does not apply
    status: str
    evidence: str
    transforms: tuple[str, ...]  #: those that put it right
    fix: str  #: what they say of this file: ``dockopt fix``, why they refuse; empty where nothing is to do


class Score(NamedTuple):
    """What a file came to."""

    lines: tuple[Line, ...]
    error: str | None = None
    error_line: int = 0

    @property
    def points(self) -> int:
        """0 to 100: the share of the points that could be earned."""
        possible = sum(line.possible for line in self.lines)
        return round(100 * sum(line.points for line in self.lines) / possible) if possible else 100


class _Item(NamedTuple):
    id: str
    title: str
    points: int
    transforms: tuple[str, ...]
    check: Callable[[_Checks], Verdict]


def score(data: bytes, outside: Outside | None = None) -> Score:
    """Judge one Dockerfile. Never raises for what the file holds."""
    outcome = rewrite(data, Options(unsafe=True), outside)
    if outcome.error is not None:
        return Score((), outcome.error, outcome.error_line)
    checks = _Checks(Facts(load(data), outside), outcome)
    return Score(tuple(_line(item, checks) for item in ITEMS))


def _line(item: _Item, checks: _Checks) -> Line:
    verdict = item.check(checks)
    points = {"pass": item.points, "part": item.points // 2}.get(verdict.status, 0)
    possible = 0 if verdict.status == "none" else item.points
    fix = "" if verdict.status in ("pass", "none") else checks.fix(item.transforms)
    return Line(item.id, item.title, points, possible, verdict.status, verdict.evidence, item.transforms, fix)


#: Managers whose install works a language's packages or sources, not the distribution's.
_LANGUAGES = ("pip", "npm", "yarn", "pnpm", "bun", "gem", "bundle", "composer", "conda", "cargo", "go")
_BUILDERS = (
    "make", "cmake", "ninja", "gcc", "g++", "cc", "c++", "clang", "mvn", "mvnw", "gradle", "gradlew", "dotnet", "javac",
    "rustc", "poetry", "uv", "pipenv", "pdm", "tsc", "mix", "sbt",
)  # fmt: skip
#: Commands that install what manifests list, each with the verbs that do.
_INSTALLERS: dict[str, frozenset[str]] = {
    "npm": frozenset(("install", "i", "ci", "clean-install")),
    "yarn": frozenset(("install", "")),
    "pnpm": frozenset(("install", "i")),
    "bun": frozenset(("install", "i")),
    "bundle": frozenset(("install", "")),
    "composer": frozenset(("install",)),
    "poetry": frozenset(("install", "sync")),
    "uv": frozenset(("sync",)),
    "pipenv": frozenset(("install", "sync")),
    "pdm": frozenset(("install", "sync")),
    "go": frozenset(("mod", "build", "install")),
    "cargo": frozenset(("build", "fetch", "install")),
    "mvn": frozenset(),
    "mvnw": frozenset(),
    "gradle": frozenset(),
    "gradlew": frozenset(),
    "dotnet": frozenset(("restore", "build", "publish")),
}
_SMALL = re.compile(
    r"(?:^|[-:/])(?:slim|alpine|distroless|scratch|busybox|minimal|chiseled|jre|headless|runtime|runtime-deps|aspnet|static|tiny|micro|wolfi|chainguard)(?:[-:.\d]|$)"
)
_SCANNERS = re.compile(
    r"\b(?:trivy|grype|docker[ /]scout|docker/scout-action|snyk|clair|anchore|dockle|sysdig|twistcli|wiz-cli|container_scanning)\b",
    re.I,
)
_CI_FILES = (
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    ".drone.yml",
    "bitbucket-pipelines.yml",
    "Makefile",
)
_CLEANERS = (
    "apt-clean-lists", "apk-no-cache", "dnf-clean", "yum-clean", "microdnf-clean", "zypper-clean", "pacman-clean",
    "pip-no-cache-dir", "npm-cache-clean", "yarn-cache-clean", "pnpm-store-prune", "bun-cache-clean", "bundle-cache-clean",
    "composer-cache-clean", "conda-clean", "cargo-cache-clean", "go-cache-clean", "maven-cache-clean", "gradle-cache-clean",
    "nuget-cache-clean", "clean-where-made", "cache-mounts",
)  # fmt: skip
_COMBINERS = ("merge-runs", "apt-join-update", "apt-merge-installs", "clean-where-made")


class _Checks:
    """The lines' checks; each gives a verdict on the file as it is."""

    def __init__(self, facts: Facts, outcome: Outcome) -> None:
        self.facts = facts
        self.document = facts.document
        self.stages = facts.stages.all
        self.final = self.stages[-1]
        self.entries: dict[str, list[Entry]] = {}
        for entry in outcome.entries:
            self.entries.setdefault(entry.transform, []).append(entry)

    def fix(self, transforms: tuple[str, ...]) -> str:
        """What the transforms say of the file: how to have it put right, or why they do not."""
        if not transforms:
            return "by hand: let CI scan the image, with trivy image or docker scout cves"
        safety = {spec.id: spec.safety for spec in registry().specs}
        ways: dict[str, list[str]] = {}
        for name in transforms:
            for entry in self.entries.get(name, ()):
                if entry.kind == "applied":
                    command = "dockopt fix" if entry.safety == "safe" else "dockopt fix --unsafe-fixes"
                    ways.setdefault(command, []).append(name)
                elif entry.kind == "manual":
                    ways.setdefault("by hand", []).append(f"{name}: {entry.message}")
        if ways:
            return "; ".join(f"{way}: {', '.join(dict.fromkeys(names))}" for way, names in ways.items())
        for name in transforms:
            for entry in self.entries.get(name, ()):
                if entry.kind == "refused":
                    return f"{name} refuses: {entry.message}"
        known = [name for name in transforms if name in safety]
        return f"by hand; {', '.join(known)} found nothing that is sure" if known else "by hand"

    def changed_by(self, transforms: tuple[str, ...]) -> list[Entry]:
        found = [
            entry for name in transforms for entry in self.entries.get(name, ()) if entry.kind in ("applied", "manual")
        ]
        return sorted(found, key=lambda entry: entry.start_line)

    def _runs(self) -> list[Instruction]:
        return [node for stage in self.stages for node in stage.instructions if node.name == "RUN"]

    def _work(self, stage: Stage | None = None) -> list[tuple[int, str]]:
        """Line and name of every command that builds, or installs a language's packages."""
        found = []
        for view in self.facts.scripts:
            if stage is not None and view.stage is not stage:
                continue
            for call in view.invocations:
                if call.manager.name in _LANGUAGES and call.action == "install":
                    found.append((view.instruction.start_line, call.manager.name))
            for command in view.commands:
                name = (command.name or "").rsplit("/", 1)[-1]
                if name in _BUILDERS or (name in ("go", "cargo", "npm", "yarn", "pnpm") and "build" in command.values):
                    found.append((view.instruction.start_line, name))
        return found

    def multi_stage(self) -> Verdict:
        for node in self.final.instructions:
            if node.name == "COPY" and any(self.facts.stages.find(source) for source in sources(node)):
                return Verdict("pass", f"line {node.start_line}: the final stage copies from another")
        work = self._work()
        if not work:
            return Verdict("none", "nothing is built or installed for a language")
        line, name = work[0]
        return Verdict("fail", f"line {line}: {name} runs in the stage that ships")

    def manifests_first(self) -> Verdict:
        for stage in self.stages:
            whole: Instruction | None = None
            for node in stage.instructions:
                if node.name in ("COPY", "ADD") and node.flag("from") is None:
                    if any(source.rstrip("/") in (".", "", "*", "./*") for source in node.args[:-1]):
                        whole = whole or node
                elif node.name == "RUN" and (name := self._installs(node)):
                    if whole is not None:
                        return Verdict(
                            "fail",
                            f"line {whole.start_line}: all sources are copied before {name} in line {node.start_line}",
                        )
                    return Verdict("pass", f"line {node.start_line}: {name} runs before the sources are copied")
        return Verdict("none", "no dependencies are installed from a manifest")

    def _installs(self, node: Instruction) -> str | None:
        view = self.facts.script(node)
        if view is None:
            return None
        for call in view.invocations:
            if call.manager.name == "pip" and call.action == "install":
                files = call.option("-r", "--requirement") is not None
                if files or any(
                    word.value in (".", "./") or (word.value or "").startswith(".[") for word in call.operands
                ):
                    return "pip install"
        for command in view.commands:
            name = (command.name or "").rsplit("/", 1)[-1]
            verbs = _INSTALLERS.get(name)
            if verbs is None:
                continue
            words = [value for value in command.values[1:] if value and not value.startswith("-")]
            if not verbs or (words[0] if words else "") in verbs:
                if name in ("npm", "pnpm", "bun") and len(words) > 1:
                    continue  # names packages
                return " ".join([name, *words[:1]])
        return None

    def small_base(self) -> Verdict:
        reference = self.final.root.base
        line = self.final.root.from_.start_line
        if reference is None:
            return Verdict("unknown", f"line {line}: the base image is a variable")
        if reference == "scratch" or _SMALL.search(reference):
            return Verdict("pass", f"line {line}: {reference}")
        smaller = slim(reference)
        if isinstance(smaller, Unknown):
            other = runtime(reference)
            smaller = other if isinstance(other, Known) and other.value != reference else smaller
        if isinstance(smaller, Known):
            return Verdict("fail", f"line {line}: {reference}; there is {smaller.value}")
        if self.facts.base_image(self.final) is None:
            return Verdict("unknown", f"line {line}: {smaller.reason}")
        return Verdict("pass", f"line {line}: {smaller.reason}")

    def user(self) -> Verdict:
        state = self.facts.states.of_stage(self.final).end.user
        image = self.facts.base_image(self.final)
        if isinstance(state, Unknown):
            return Verdict("unknown", state.reason)
        if state.value.split(":")[0] not in ("root", "0", ""):
            return Verdict("pass", state.evidence)
        if image is not None and image.drops and "entrypoint" not in self.facts.config(self.final):
            return Verdict("pass", f"{image.reference} leaves root by itself: {image.drops}")
        if (
            image is not None
            and image.online
            and image.entrypoint
            and "entrypoint" not in self.facts.config(self.final)
        ):
            return Verdict("unknown", f"the ENTRYPOINT of {image.reference} may leave root by itself")
        return Verdict("fail", f"the container runs as root ({state.evidence})")

    def health(self) -> Verdict:
        config = self.facts.config(self.final)
        check = config.get("healthcheck")
        line = max((node.start_line for node in self.final.instructions if node.name == "HEALTHCHECK"), default=0)
        if check is not None and "'NONE'" in check:
            return Verdict("none", f"line {line}: HEALTHCHECK NONE says there shall be none")
        if check is not None:
            return Verdict("pass", f"line {line}: HEALTHCHECK")
        image = self.facts.base_image(self.final)
        if image is not None and image.health:
            return Verdict("pass", f"{image.reference} has a HEALTHCHECK")
        if not config.keys() & {"cmd", "entrypoint"} and not self._inherits_start():
            return Verdict("none", "the image starts nothing: it is a base for others")
        return Verdict("fail", "there is no HEALTHCHECK")

    def _inherits_start(self) -> bool:
        image = self.facts.base_image(self.final)
        return image is not None and bool(image.entrypoint or (image.drops and image.cmd))

    def ignore_file(self) -> Verdict:
        if not local_sources(self.facts):
            return Verdict("none", "nothing is copied from the build context")
        context = self.facts.context
        if isinstance(context, Unknown):
            return Verdict("unknown", context.reason)
        source = context.value.ignore.source
        if not source:
            return Verdict("fail", "the build context has no .dockerignore")
        more = self.changed_by(("dockerignore",))
        return Verdict("part", f"{source}: {more[0].message}") if more else Verdict("pass", source)

    def combined(self) -> Verdict:
        if len(self._runs()) < 2:
            return Verdict("none", "there is no second RUN")
        found = self.changed_by(_COMBINERS)
        if found:
            return Verdict("fail", f"line {found[0].start_line}: {found[0].message}")
        return Verdict("pass", f"{len(self._runs())} RUNs, each with its purpose")

    def tags(self) -> Verdict:
        unknown = ""
        for stage in self.stages:
            line = stage.from_.start_line
            if stage.parent is not None or stage.base == "scratch":
                continue
            if stage.base is None:
                unknown = unknown or f"line {line}: the base image is a variable"
                continue
            _, tag, digest = split_reference(stage.base)
            if not digest and tag in ("", "latest"):
                return Verdict("fail", f"line {line}: {stage.base} is whatever is newest")
        if unknown:
            return Verdict("unknown", unknown)
        bases = dict.fromkeys(stage.base for stage in self.stages if stage.parent is None and stage.base)
        return Verdict("pass", ", ".join(bases))

    def caches(self) -> Verdict:
        if not any(view.invocations for view in self.facts.scripts):
            return Verdict("none", "no package manager is called")
        found = self.changed_by(tuple(name for name in _CLEANERS if name != "cache-mounts"))
        if found:
            return Verdict("fail", f"line {found[0].start_line}: {found[0].message}")
        return Verdict("pass", "no cache that dockopt knows stays in the image")

    def buildkit(self) -> Verdict:
        for node in self.document.nodes:
            if isinstance(node, Directive) and node.name == "syntax":
                return Verdict("pass", f"line {node.start_line}: syntax={node.value}")
            if isinstance(node, Instruction):
                flags = {flag.name for flag in node.flags}
                if node.heredocs or flags & {
                    "mount",
                    "link",
                    "chmod",
                    "checksum",
                    "parents",
                    "exclude",
                    "network",
                    "security",
                }:
                    return Verdict("pass", f"line {node.start_line}: {node.name} uses what only BuildKit has")
        if not self._work() and not any(view.invocations for view in self.facts.scripts):
            return Verdict("none", "nothing is installed or built that a cache mount would speed up")
        return Verdict("fail", "no syntax directive, no mount")

    def exec_form(self) -> Verdict:
        found = [node for node in self.final.instructions if node.name in ("CMD", "ENTRYPOINT")]
        last = list({node.name: node for node in found}.values())
        if not last:
            return Verdict("none", "the final stage sets neither CMD nor ENTRYPOINT")
        for node in last:
            if node.json is None:
                return Verdict("fail", f"line {node.start_line}: {node.name} in shell form gets no signals")
        return Verdict("pass", f"line {last[0].start_line}: {last[0].name} in exec form")

    def labels(self) -> Verdict:
        config = self.facts.config(self.final)
        own = sorted(key for key in config if key.startswith("label:org.opencontainers.image."))
        more = self.changed_by(("oci-labels",))
        if not own:
            return Verdict("fail", "there is no org.opencontainers.image label")
        if more:
            return Verdict("part", f"{len(own)} labels; {more[0].message}")
        return Verdict("pass", ", ".join(key.rsplit(".", 1)[-1] for key in own))

    def scan(self) -> Verdict:
        context = self.facts.context
        if isinstance(context, Unknown):
            return Verdict("unknown", context.reason)
        where = _scanner(context.value.root)
        if where is not None:
            return Verdict("pass", where)
        return Verdict("fail", "no CI file names a scanner (trivy, grype, docker scout …)")


def _scanner(folder: str) -> str | None:
    """Where a CI file of the repository runs a scanner for vulnerabilities."""
    import os

    from dockopt.facts.context import repository_root

    root = repository_root(folder)
    workflows = os.path.join(root, ".github", "workflows")
    try:
        names = [
            f".github/workflows/{name}" for name in sorted(os.listdir(workflows)) if name.endswith((".yml", ".yaml"))
        ]
    except OSError:
        names = []
    for name in (*names, *_CI_FILES):
        try:
            with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
                text = file.read(500_000)
        except OSError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = _SCANNERS.search(line)
            if match is not None and not line.lstrip().startswith("#"):
                return f"{name}:{number}: {match[0]}"
    return None


ITEMS = (
    _Item("multi-stage", "Use multi-stage builds", 12, ("split-stages",), _Checks.multi_stage),
    _Item(
        "manifests-first",
        "Copy dependencies before code",
        10,
        ("manifests-first", "split-stages"),
        _Checks.manifests_first,
    ),
    _Item("small-base", "Use slim/alpine base images", 10, ("slim-base", "split-stages"), _Checks.small_base),
    _Item("non-root", "Run as non-root user", 12, ("add-user",), _Checks.user),
    _Item("health", "Add health checks", 8, ("add-healthcheck",), _Checks.health),
    _Item("dockerignore", "Use .dockerignore", 6, ("dockerignore",), _Checks.ignore_file),
    _Item("combine-runs", "Combine RUN commands where appropriate", 6, _COMBINERS, _Checks.combined),
    _Item("tags", "Use specific image tags (not latest)", 10, ("pin-base",), _Checks.tags),
    _Item("caches", "Remove package manager caches", 8, _CLEANERS, _Checks.caches),
    _Item("buildkit", "Enable BuildKit", 4, ("cache-mounts", "syntax-directive"), _Checks.buildkit),
    _Item("exec-form", "Use exec form for CMD/ENTRYPOINT", 6, ("exec-form", "json-form"), _Checks.exec_form),
    _Item("labels", "Set appropriate LABELS", 4, ("oci-labels", "replace-maintainer"), _Checks.labels),
    _Item("scan", "Scan for vulnerabilities", 4, (), _Checks.scan),
)
