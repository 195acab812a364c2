"""``gem install`` without documentation."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    insert_after,
    split_reference,
)
from dockopt_transforms.packages._releases import outdated_release

_FLAGS = ("--no-document", "-N", "--document", "--no-ri", "--no-rdoc", "--ri", "--rdoc")


class GemNoDocument(Transform):
    """Add ``--no-document`` to ``gem install``.

    What:
        Adds the flag right after ``install`` or ``update``.

    Why:
        RubyGems writes an ``ri`` page for every class and method of a gem; in an image nobody reads them, and
        making them takes longer than installing.

    Safety:
        Unsafe: files that are no cache, the documentation, are missing.

    Refuses:
        documentation-off: a gemrc, the official ruby image's or one written here, does it already
        old-rubygems: a release whose RubyGems is older than the flag (2.0)

    References:
        https://guides.rubygems.org/command-reference/#gem-install
        https://github.com/docker-library/ruby (its gemrc)
    """

    id = "gem-no-document"
    phase = Phase.PACKAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("gem install", "gem i ", "gem update")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_view: dict[int, tuple[ScriptView, list[Word]]] = {}
        for view, call in facts.invocations("gem"):
            if call.action not in ("install", "upgrade") or call.verb_word is None or call.option(*_FLAGS):
                continue
            base = view.stage.root.base or ""
            if facts.mentions("gemrc") or split_reference(base)[0] == "ruby":
                yield Refusal(view.instruction, "documentation-off", "a gemrc turns the documentation off already")
            elif outdated_release(base):
                yield Refusal(view.instruction, "old-rubygems", "RubyGems knows --no-document since 2.0")
            else:
                by_view.setdefault(view.instruction.id, (view, []))[1].append(call.verb_word)
        for view, verbs in by_view.values():
            yield _proposal(view, verbs)


def _proposal(view: ScriptView, verbs: list[Word]) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(verb, "--no-document") for verb in verbs])

    return Proposal(
        view.instruction,
        "install gems without their documentation",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(files_removed=("/**/doc/**",)),
    )
