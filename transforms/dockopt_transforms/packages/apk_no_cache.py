"""``apk add`` without the index cache."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Command,
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Invocation,
    Phase,
    Proposal,
    Refusal,
    ScriptView,
    Transform,
    base_name,
    delete_item,
    delete_word,
    insert_after,
    replace,
    split_reference,
    unwrap,
)
from dockopt_transforms.packages._cleanup import by_script, later_scripts, mounted, removes, unread
from dockopt_transforms.packages._errexit import ends_script

CACHE = "/var/cache/apk"
EFFECTS = Effects(files_removed=(f"{CACHE}/**",))
_CACHES = (CACHE, "/etc/apk/cache")
_REFRESH = ("-U", "--update", "--update-cache")
# Verbs that look at nothing but the installed database.
_NO_INDEX = frozenset(("del", "info", "audit", "update", "cache", "stats", "verify", "index"))
_ADD = re.compile(r"(?<![\w./-])apk\s+(?:-\S+\s+)*add\b")
_OLD = re.compile(r"2\.\d|3\.[0-2](\D|\Z)")
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh"))
# Scripts of the project itself that may well call apk; builds (configure, gradlew …) do not, nor does what
# was fetched from elsewhere in the same RUN.
_SCRIPT = re.compile(r"\.(ba|a)?sh\Z|install|setup|bootstrap|provision|deps|prepare|init", re.I)
_NO_APK = re.compile(
    r"docker-(php|entrypoint)|install-php-extensions|install-plugin|autogen|buildconf|conda|rustup|nvm|configure"
    r"|bootstrap-vcpkg|npm-|gem-|get-pip|\.(py|js|rb|pl|php|jar)\Z"
)


class ApkNoCache(Transform):
    """Add ``--no-cache`` to ``apk add``.

    What:
        Adds the flag after the verb, or puts it in the place of ``--update``; then drops what it makes
        needless: ``apk update`` before it, in the same RUN or in one of its own, and ``rm -rf
        /var/cache/apk/*`` behind it. Groups made with ``--virtual`` work as before.

    Why:
        With ``--no-cache`` apk fetches the index, uses it and keeps none. An index kept in a layer is some
        megabytes that are out of date by tomorrow.

    Safety:
        Safe: the same packages are installed; only the index is not kept. Where a later call would use the
        kept index, or a script of the project may, ``apk update`` stays.

    Refuses:
        cache-mount: a cache or tmpfs mount keeps apk's cache out of the layer already
        cache-configured: the call names a cache directory, or ``/etc/apk/cache`` is set up in this file
        index-needed: a later call, or a script run later, may use the index this call fetches
        old-apk: Alpine before 3.3, whose apk does not know the flag
        opaque-script: the script is not one that dockopt reads

    References:
        https://github.com/gliderlabs/docker-alpine/blob/master/docs/usage.md#disabling-cache
        apk-add(8), apk(8)
        hadolint DL3019
    """

    id = "apk-no-cache"
    phase = Phase.PACKAGES
    aliases = ("DL3019",)
    scripts = True
    mentions = ("apk",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        yield from unread(facts, _ADD)
        scopes = by_script(facts.invocations("apk"))
        if not scopes:
            return
        configured = facts.mentions("/etc/apk/cache", "setup-apkcache")
        flagged: set[int] = set()
        for view, calls in scopes:
            wanting = [call for call in calls if _wants_flag(call, calls)]
            if wanting:
                result = _flag(facts, view, wanting, configured)
                flagged.add(view.instruction.id)
                yield result
            elif not configured and not mounted(view.instruction, _CACHES):
                yield from _needless_update(facts, view, calls)
        if configured:
            return
        for view, command in facts.commands("rm"):
            if view.instruction.id not in flagged:
                yield from _needless_removal(facts, view, command)


def _wants_flag(call: Invocation, calls: tuple[Invocation, ...]) -> bool:
    """``upgrade`` gets the flag only where its index is fetched here: without one it upgrades nothing."""
    if call.verb_word is None or call.option("--no-cache"):
        return False
    if call.verb == "add":
        return True
    before = [other for other in calls if other.command.start < call.command.start]
    fetched = call.option(*_REFRESH) is not None or any(
        other.verb == "update" or other.option(*_REFRESH) for other in before
    )
    return call.verb == "upgrade" and fetched


def _flag(facts: Facts, view: ScriptView, calls: list[Invocation], configured: bool) -> Proposal | Refusal:
    node = view.instruction
    if mounted(node, _CACHES):
        return Refusal(node, "cache-mount", "a mount keeps apk's cache out of the layer already")
    if configured or any(call.option("--cache-dir", "--no-network") for call in calls):
        return Refusal(node, "cache-configured", "apk's cache is set up on purpose")
    if _old(view.stage.root.base or ""):
        return Refusal(node, "old-apk", "apk knows --no-cache since Alpine 3.3")
    edits: list[Edit] = []
    for call in calls:
        refresh = call.option(*_REFRESH)
        if refresh is not None:
            user = _index_user(facts, view, call)
            if user is not None:
                return Refusal(node, "index-needed", f"{user} may use the index that {refresh.name} fetches")
        if refresh is not None and refresh.word.value in _REFRESH:
            edits.append(replace(refresh.word, "--no-cache"))
        elif call.verb_word is not None:
            edits.append(insert_after(call.verb_word, "--no-cache"))

    def edit(editor: Editor) -> None:
        editor.script(view, edits)

    return Proposal(node, "add --no-cache to apk", edit, effects=EFFECTS)


def _old(reference: str) -> bool:
    name, tag, _ = split_reference(reference)
    version = tag if base_name(name) == "alpine" else tag.partition("alpine")[2]
    return bool(_OLD.match(version))


def _index_user(facts: Facts, view: ScriptView, call: Invocation) -> str | None:
    """Who may use the index after ``call`` has left one: a line, or None where nobody does."""
    gone = any(command.start > call.command.start and removes(command, (CACHE,)) for command in view.commands)
    for other in (view, *(() if gone else later_scripts(facts, view))):
        start = call.command.end if other is view else -1
        for use in other.invocations:
            if use.command.start <= start or not _uses_index(use) or use.option("--no-cache", *_REFRESH):
                continue
            # An add of this very pass gets the flag too, unless something keeps it from it.
            if not _wants_flag(use, other.invocations) or mounted(other.instruction, _CACHES):
                return f"line {other.instruction.start_line}"
        for command in other.commands:
            if command.start > start and may_run_apk(command) and "://" not in other.script.text[: command.start]:
                return f"the script run in line {other.instruction.start_line}"
        if other.opaque is not None and "apk" in other.script.text:
            return f"line {other.instruction.start_line}"
    stages = () if gone else (view.stage, *facts.stages.descendants(view.stage))
    for node in (node for stage in stages for node in stage.instructions):
        if "apk" in node.rest and (node.name == "ONBUILD" or (node.name == "RUN" and node.json is not None)):
            return f"line {node.start_line}"
    return None


def _uses_index(call: Invocation) -> bool:
    return call.manager.name == "apk" and call.verb not in _NO_INDEX


def may_run_apk(command: Command) -> bool:
    """Whether a command runs a script of the project that may well call apk."""
    index = unwrap(command)
    if index >= len(command.words):
        return False
    words = command.words[index:]
    name = base_name(words[0].text)
    if name in _SHELLS or words[0].value in (".", "source"):
        operands = [word for word in words[1:] if not word.text.startswith("-")]
        if not operands:
            return False  # it reads a pipe: an installer from the internet cannot count on an index
        if any(word.value == "-c" for word in words[1:]):
            return "apk" in operands[0].text
        return words[0].value not in (".", "source") and not _NO_APK.search(operands[0].text)
    return "/" in words[0].text and bool(_SCRIPT.search(name)) and not _NO_APK.search(name)


def _needless_update(facts: Facts, view: ScriptView, calls: tuple[Invocation, ...]) -> Iterator[Proposal | Refusal]:
    update = next((call for call in calls if call.verb == "update" and call.command.top), None)
    if update is None or update.command.redirects or any(mark in view.script.text for mark in ("#", "`")):
        return
    users = [view, *later_scripts(facts, view)]
    after = [
        call
        for other in users
        for call in other.invocations
        if _uses_index(call) and (other is not view or call.command.start > update.command.start)
    ]
    if (
        not after
        or _index_user(facts, view, update) is not None
        or not all(call.option("--no-cache") for call in after)
    ):
        return
    yield from _without(
        facts, view, update.command.item, "drop apk update: apk add --no-cache fetches the index itself"
    )


def _without(facts: Facts, view: ScriptView, item: int, message: str) -> Iterator[Proposal]:
    node, script = view.instruction, view.script
    if len(script.items) == 1:

        def remove(editor: Editor) -> None:
            editor.remove(node)

        yield Proposal(node, message, remove, effects=Effects(files_removed=(f"{CACHE}/**",), layers=-1))
        return
    if script.items[item].end > view.editable_end:
        return
    last = item + 1 == len(script.items) and script.items[item].operator in (";", "\n")
    if last and not ends_script(facts, view, item - 1):
        return  # without it the RUN would end with another command's status
    cut = delete_item(script, item, node if view.heredoc is None else None)
    if cut is None or (item + 1 < len(script.items) and script.items[item + 1].operator == "||"):
        return

    def edit(editor: Editor) -> None:
        editor.script(view, [cut])

    yield Proposal(node, message, edit, effects=EFFECTS)


def _needless_removal(facts: Facts, view: ScriptView, command: Command) -> Iterator[Proposal | Refusal]:
    words = [word for word in command.words[1:] if word.text.rstrip("/*") == CACHE]
    if not words or not command.top or command.redirects or command.name != "rm" or mounted(view.instruction, _CACHES):
        return
    earlier = [
        other
        for other in facts.scripts
        if other.stage is view.stage and other.instruction.start_line < view.instruction.start_line
    ]
    calls = [call for other in (*earlier, view) for call in other.invocations if call.manager.name == "apk"]
    installs = [call for call in calls if call.verb in ("add", "upgrade", "fix")]
    if not installs or any(call.verb in ("update", None) for call in calls):
        return
    if not all(call.option("--no-cache") for call in installs):
        return
    if any(may_run_apk(other) for script in (*earlier, view) for other in script.commands):
        return
    message = f"drop the removal of {CACHE}: nothing is kept there"
    operands = [word for word in command.words[1:] if not word.text.startswith("-")]
    if len(operands) == len(words):
        yield from _without(facts, view, command.item, message)
        return

    def edit(editor: Editor) -> None:
        editor.script(view, [delete_word(view.script, word) for word in words])

    yield Proposal(view.instruction, message, edit)
