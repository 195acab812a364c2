"""Bundler by its lock file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockopt.api import (
    Context,
    Document,
    Editor,
    Effects,
    Facts,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Unknown,
)
from dockopt_transforms.runtime._start import lead

_CHOICES = ("bundle_frozen", "bundle_deployment", "--frozen", "--deployment", "--no-deployment", "--no-frozen")
_CONFIGURED = re.compile(r"bundler?\s+config\b[^\n]*\b(?:frozen|deployment)\b")
_GEM = re.compile(r"^\s*gem[\s(]+['\"]([\w.-]+)['\"]", re.M)
_LINUX = ("x86_64-linux", "aarch64-linux")


class BundleDeployment(Transform):
    """Install gems by the lock file and nothing else.

    What:
        Adds ``ENV BUNDLE_FROZEN="true"`` above the first ``bundle install`` of a stage where a COPY before it puts
        ``Gemfile.lock`` beside the Gemfile. It is the half of Bundler's deployment mode that matters here; the other
        half would move the gems to ``vendor/bundle``, away from where the image's commands look for them.

    Why:
        Without it Bundler resolves anew where the Gemfile and the lock file differ, and the image holds versions that
        nobody has tested; with it the build stops.

    Safety:
        Unsafe: a lock file that does not fit the Gemfile stops the build, and the variable is part of the image's
        configuration.

    Refuses:
        context-unknown: the build context is not known, so neither is its lock file
        no-lock-file: no COPY before puts a Gemfile.lock where Bundler runs
        lock-differs: the lock file does not name the gems the Gemfile does
        platforms: the lock file is made for other platforms than Linux, or JRuby's, which Bundler would have to add
        gemfile-changed: a step changes the Gemfile or its lock

    References:
        https://bundler.io/man/bundle-config.1.html
        https://github.com/docker-library/docs/tree/master/ruby#create-a-dockerfile-in-your-ruby-app-project
    """

    id = "bundle-deployment"
    phase = Phase.PACKAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("bundle",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        if facts.mentions(*_CHOICES) or _CONFIGURED.search(facts.text):
            return
        seen: set[int] = set()
        for view, call in facts.invocations("bundle"):
            if call.action != "install" or not seen.isdisjoint(stage.index for stage in view.stage.chain):
                continue
            seen.add(view.stage.index)
            evidence = _lock(facts, view)
            if isinstance(evidence, Refusal):
                yield evidence
            else:
                yield _proposal(view, evidence)


def _proposal(view: ScriptView, evidence: str) -> Proposal:
    def edit(editor: Editor) -> None:
        document = editor.document
        above, _ = lead(document, view.instruction)
        editor.insert_before(above, f'{document.keyword("ENV")} BUNDLE_FROZEN="true"{editor.eol}')

    return Proposal(
        view.instruction,
        "install gems by the lock file alone",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=("env:BUNDLE_FROZEN",)),
        evidence=(evidence,),
    )


def _lock(facts: Facts, view: ScriptView) -> str | Refusal:
    """The lock file that Bundler will find, as evidence."""
    node = view.instruction
    context, workdir = facts.context, facts.state(node).workdir
    if isinstance(context, Unknown):
        return Refusal(node, "context-unknown", context.reason)
    if not isinstance(workdir, Known):
        return Refusal(node, "no-lock-file", workdir.reason)
    names = {
        name: facts.context_file(posixpath.join(workdir.value, name), view.stage, node)
        for name in ("Gemfile", "Gemfile.lock")
    }
    gemfile, lock = names["Gemfile"], names["Gemfile.lock"]
    if gemfile is None or lock is None:
        missing = "Gemfile.lock" if lock is None else "Gemfile"
        return Refusal(node, "no-lock-file", f"no COPY before puts a {missing} into {workdir.value}")
    for other in facts.scripts:
        if "Gemfile" in other.script.text or any(word in other.script.text for word in ("bundle update", "bundle add")):
            why = f"line {other.instruction.start_line} has to do with the Gemfile or its lock"
            return Refusal(node, "gemfile-changed", why)
    problem = _problem(context.value, gemfile, lock, on_java="jruby" in (view.stage.root.base or ""))
    return Refusal(node, *problem) if problem is not None else lock


def _problem(context: Context, gemfile: str, lock: str, *, on_java: bool) -> tuple[str, str] | None:
    """Why Bundler would want to change the lock file; JRuby's platform is ``java``, which ``ruby`` does not cover."""
    texts = [context.text(name) for name in (gemfile, lock)]
    for text in texts:
        if isinstance(text, Unknown):
            return "no-lock-file", text.reason
    wanted, locked = (text.value for text in texts if isinstance(text, Known))
    gems = set(_GEM.findall(wanted))
    if gems != (named := {line.split()[0].rstrip("!") for line in _section(locked, "DEPENDENCIES")}):
        one = min(gems ^ named)
        return "lock-differs", f"{one} is in {gemfile if one in gems else lock} and not in the other"
    platforms = _section(locked, "PLATFORMS")
    fits = (
        any(name.startswith(("java", "universal-java")) for name in platforms)
        if on_java
        else "ruby" in platforms or all(name in platforms for name in _LINUX)
    )
    if not fits:
        return "platforms", f"{lock} is for {', '.join(platforms) or 'no platform'} only"
    return None


def _section(text: str, name: str) -> list[str]:
    """The lines of a part of Gemfile.lock."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == name:
            break
    found: list[str] = []
    for line in lines:
        if not line.startswith("  "):
            break
        found.append(line.strip())
    return found
