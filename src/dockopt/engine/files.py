"""The proof of a change to another file: what must hold of it, whatever the transform that wrote it meant."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dockopt.engine.model import FileEdit
from dockopt.facts.context import Context
from dockopt.facts.facts import Facts
from dockopt.facts.ignorefile import IgnoreRules
from dockopt.facts.outside import local_sources
from dockopt.facts.value import Known, Unknown


def prove_files(facts: Facts, files: Iterable[FileEdit]) -> str | None:
    """None where the new files hold, else one sentence saying what they broke."""
    context = facts.context
    if isinstance(context, Unknown):
        return f"the build context is not known: {context.reason}"
    for edit in files:
        if not edit.path.endswith(".dockerignore"):
            return f"{os.path.basename(edit.path)} is no file dockopt writes"
        text = edit.after.decode("utf-8", "surrogateescape")
        missed = _sources_stay(facts, context.value, IgnoreRules(text, os.path.basename(edit.path)))
        if missed is not None:
            return missed
        if edit.before is not None and not edit.after.startswith(edit.before):
            return f"{os.path.basename(edit.path)} would lose lines"
    return None


def _sources_stay(facts: Facts, context: Context, rules: IgnoreRules) -> str | None:
    """Every source of COPY, ADD and bind mounts names the same files and folders under the new rules."""
    if rules.error is not None:
        return f"Docker would refuse the ignore file: {rules.error}"
    after = context.under(rules)
    for source in local_sources(facts):
        old, new = context.sources(source), after.sources(source)
        if isinstance(old, Known) and (isinstance(new, Unknown) or new.value != old.value):
            lost = set(old.value) - set(new.value if isinstance(new, Known) else ())
            return f"{', '.join(sorted(lost)) or source} would be hidden, which the Dockerfile copies"
    return None
