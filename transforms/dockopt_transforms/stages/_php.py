"""PHP: extensions, built in a stage of their own, go to the same image without what built them.

docker-php-ext-install and pecl put shared objects below ``/usr/local/lib/php/extensions`` and switch them on
below ``/usr/local/etc/php/conf.d``; nothing else is theirs.
"""

from __future__ import annotations

from dockopt.api import Document, Facts, ScriptView, Stage, base_name, unwrap
from dockopt_transforms._render import render
from dockopt_transforms.stages._plan import (
    Impossible,
    Kinds,
    Split,
    install_text,
    kinds,
    later_text,
    names_account,
    no_build_packages,
    root_until,
    system_packages,
)

_EXTENSIONS = "/usr/local/lib/php/extensions"
_CONFIGURATION = "/usr/local/etc/php/conf.d"
_BUILDERS = frozenset(
    ("docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable", "pecl", "docker-php-source")
)

# Commands that set Apache or PHP up by editing their own files; they do the same in both stages.
_SETTINGS = frozenset(("a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf", "sed"))


def applies(facts: Facts, stage: Stage) -> bool:
    """Whether extensions are built in the stage, on an image of PHP."""
    image = facts.base_image(stage)
    return (
        image is not None
        and image.name == "php"
        and any(view.stage is stage for name in ("docker-php-ext-install", "pecl") for view, _ in facts.commands(name))
    )


def split(document: Document, facts: Facts, stage: Stage) -> tuple[Split, str, tuple[str, ...]]:
    """The two stages, the image of the one that runs, and what was relied on.

    :raises Impossible: where it cannot be done, or nothing would be gained.
    """
    image = facts.base_image(stage)
    assert image is not None and stage.base is not None
    if not image.exact:
        raise Impossible("base-unknown", f"the tag {image.reference} is not in the table", stage.from_)
    plan = Split(document, facts, stage)
    read = {unit.node.id: _kinds(facts.script(unit.node)) for unit in plan.units if unit.node.name == "RUN"}
    working = [unit for unit in plan.units if unit.node.name == "RUN" and "build" in read[unit.node.id].kinds]
    last = plan.units.index(working[-1])
    before, after = plan.units[: last + 1], plan.units[last + 1 :]
    root_until(facts, (unit.node for unit in before))
    packages = system_packages(image, before, after, read, stage.base)
    if no_build_packages(packages):
        raise Impossible("no-build-work", "no package is installed for the build of the extensions alone")

    later = later_text(plan, before)
    libraries: list[str] = []
    for unit in before:
        node = unit.node
        if node.name in ("COPY", "ADD"):
            plan.into_builder(unit, comments=False)
        elif node.name == "RUN" and "build" in read[node.id].kinds:
            plan.into_builder(unit, comments=True)
            plan.drop(unit)
            libraries += [one for word in read[node.id].packages for one in packages[word]]
        elif node.name == "RUN":
            libraries += plan.prepare(unit, read[node.id], packages, owned=names_account(before))
        else:
            plan.carry(unit, later)
    text = install_text(document, image, libraries, keep_lists=plan.lists_read(packages))
    pairs = [(_EXTENSIONS, _EXTENSIONS), (_CONFIGURATION, _CONFIGURATION)]
    text += render(document, "copy_from", builder=plan.builder, pairs=pairs, chown=None)
    plan.put_above_sources(before, text)
    return plan, stage.base, ()


def _kinds(view: ScriptView | None) -> Kinds:
    what = kinds(view, frozenset())
    if view is None or view.opaque is not None:
        return what
    found = set(what.kinds)
    others: list[str] = []
    for command in view.commands:
        at = unwrap(command)
        value = command.words[at].value if at < len(command.words) else None
        name = base_name(value) if value else None
        if name in _BUILDERS:
            found.add("build")
        elif name in _SETTINGS:
            found.add("layout")
        elif name in what.others:
            others.append(name or "")
    if not others:
        found.discard("other")
    return Kinds(frozenset(found), what.packages, tuple(others))
