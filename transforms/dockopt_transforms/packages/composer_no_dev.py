"""``composer install`` without development packages."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import (
    Document,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    insert_after,
)
from dockopt_transforms.packages._cleanup import assigned

_TESTS = ("phpunit", "pest", "phpstan", "psalm", "behat", "codecept", "php-cs-fixer", "phpcs", "paratest")
_DEVELOPMENT = frozenset(("dev", "development", "local", "test", "testing"))


class ComposerNoDev(Transform):
    """Add ``--no-dev`` to ``composer install`` in the final stage.

    What:
        Adds the flag right after the verb, in the last stage of the file.

    Why:
        Test runners and debuggers of ``require-dev`` have no business in an image that serves.

    Safety:
        Unsafe: the packages of ``require-dev`` are missing; an application that loads one of them fails.

    Refuses:
        dev-packages-used: the file runs a development tool, or sets a development environment

    References:
        https://getcomposer.org/doc/03-cli.md#install-i
    """

    id = "composer-no-dev"
    phase = Phase.PACKAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("composer",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for view, call in facts.invocations("composer"):
            if not view.stage.final or call.verb not in ("install", "i") or call.verb_word is None:
                continue
            env = facts.state(view.instruction).env
            if call.option("--no-dev", "--dev") or "COMPOSER_NO_DEV" in env or "COMPOSER_NO_DEV" in assigned(call):
                continue
            if facts.mentions(*_TESTS) or any((env.get(name) or "") in _DEVELOPMENT for name in ("APP_ENV", "ENV")):
                yield Refusal(view.instruction, "dev-packages-used", "the file runs or prepares for development tools")
                continue
            yield _proposal(view, call, call.verb_word)


def _proposal(view: ScriptView, call: Invocation, verb: Word) -> Proposal:
    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(verb, "--no-dev")])

    return Proposal(
        view.instruction,
        "leave out composer's development packages",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(files_removed=("/**/vendor/**",)),
    )
