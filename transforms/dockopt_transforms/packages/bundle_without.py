"""Bundler without development gems."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Phase, Proposal, Refusal, Safety, ScriptView, Transform
from dockopt_transforms.runtime._start import lead

_TESTS = ("rspec", "rubocop", "minitest", "cucumber", "rake test", "rails test", "rake spec", "brakeman")

_CHOICES = ("bundle config", "without", "--with")


class BundleWithout(Transform):
    """Leave development and test gems out of a production image.

    What:
        Adds ``ENV BUNDLE_WITHOUT="development:test"`` above the first ``bundle install`` of the last stage, where
        RAILS_ENV or RACK_ENV is ``production`` there. The variable, unlike a setting of the build, also tells
        ``bundle exec`` at run time which gems are left out.

    Why:
        Test frameworks, debuggers and linters are often half of what a Rails application installs.

    Safety:
        Unsafe: gems of these groups are missing, and the variable is part of the image's configuration.

    Refuses:
        not-production: neither RAILS_ENV nor RACK_ENV is shown to be ``production``
        groups-chosen: groups are chosen already, by a flag, a variable or ``bundle config``
        dev-gems-used: the file runs tests or linters

    References:
        https://bundler.io/man/bundle-config.1.html
    """

    id = "bundle-without"
    phase = Phase.PACKAGES
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("bundle",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for view, call in facts.invocations("bundle"):
            if not view.stage.final or call.action != "install":
                continue
            env = facts.state(view.instruction).env
            chosen = "BUNDLE_WITHOUT" in env or "BUNDLE_WITH" in env or _choice(document, facts)
            if "BUNDLE_WITHOUT" in facts.config(view.stage) or "BUNDLE_WITHOUT" in env:
                return
            if chosen:
                yield Refusal(view.instruction, "groups-chosen", "the groups to install are chosen already")
            elif "production" not in (env.get("RAILS_ENV"), env.get("RACK_ENV")):
                yield Refusal(view.instruction, "not-production", "the file does not say that this is for production")
            elif facts.mentions(*_TESTS):
                yield Refusal(view.instruction, "dev-gems-used", "the file runs tests or linters")
            else:
                yield _proposal(view)
            return


def _proposal(view: ScriptView) -> Proposal:
    def edit(editor: Editor) -> None:
        document = editor.document
        above, _ = lead(document, view.instruction)
        editor.insert_before(above, f'{document.keyword("ENV")} BUNDLE_WITHOUT="development:test"{editor.eol}')

    return Proposal(
        view.instruction,
        "leave development and test gems out of a production image",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=("env:BUNDLE_WITHOUT",), files_removed=("/usr/local/bundle/**",)),
    )


def _choice(document: Document, facts: Facts) -> bool:
    """Whether a command of the file, not a comment, has to do with groups."""
    if not facts.mentions(*_CHOICES):
        return False
    for node in document.instructions:
        if not any(text in node.line.lower() for text in _CHOICES) and not node.heredocs:
            continue
        view = facts.script(node)
        if view is None or view.opaque is not None:
            return True
        for command in view.script.commands:
            line = " ".join(word.text for word in command.words).lower()
            if any(text in line for text in _CHOICES):
                return True
    return False
