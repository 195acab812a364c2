"""``curl`` that takes an error page for the download."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Edit, Editor, Facts, Option, Phase, Proposal, Refusal, Safety, Transform, insert_after
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import Call, calls, grouped, names_of, options

_VALUED = word_set(
    "-A -b -c -C -d -D -e -E -F -h -H -K -m -o -P -Q -r -t -T -u -U -w -x -X -y -Y -z --output --header --retry "
    "--retry-delay --retry-max-time --connect-timeout --max-time --user --user-agent --data --request --proxy "
    "--write-out --cacert --cookie --cookie-jar --referer --range --output-dir --proto --resolve --limit-rate "
    "--data-raw --data-binary --data-urlencode --form --upload-file --config --cert --key --url"
)
_FAILS = word_set("-f --fail --fail-with-body --fail-early")
_READS_STATUS = word_set("-w --write-out -I --head -i --include -D --dump-header")
_NO_DOWNLOAD = word_set(
    "-d --data --data-raw --data-binary --data-urlencode -F --form -T --upload-file -V --version --help -K --config"
)
_LOOPS = word_set("while_statement until_statement")
# Addresses that always answer with the place the file really is at.
_REDIRECTING = ("/releases/download/", "/releases/latest", "/archive/", "/raw/", "/tarball/", "/zipball/")


class CurlFail(Transform):
    """Let ``curl`` fail when the server answers with an error.

    What:
        Adds ``-f``, into the first bundle of short options where there is one (``-sSL`` → ``-fsSL``). For
        downloads from github.com that are always redirected, ``-L`` as well where it is missing.

    Why:
        Without it curl stores the server's error page in the place of the file, and returns success.

    Safety:
        Unsafe: a build that passed with an error page in the place of a file now stops there.

    Refuses:
        status-tested: the script reads the answer's status or tests the call
        no-download: the call sends something rather than downloads

    References:
        binnacle curlUseFlagF
        https://curl.se/docs/manpage.html#-f
    """

    id = "curl-fail"
    phase = Phase.SHELL
    local = True
    aliases = ("curlUseFlagF",)
    after = ("drop-sudo",)
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("curl",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for group in grouped(calls(facts, "curl")):
            good: list[Call] = []
            refusals: dict[str, Refusal] = {}
            for call in group:
                found = options(call.args, _VALUED)
                names = names_of(found)
                if names & _FAILS or not any("://" in word.text or word.value is None for word in call.args):
                    continue
                problem = _problem(call, found)
                if problem is None:
                    good.append(call)
                else:
                    refusals.setdefault(problem[0], Refusal(call.view.instruction, *problem))
            yield from refusals.values()
            if good:
                yield _proposal(good)


def _asks_otherwise(option: Option) -> bool:
    return option.name in ("-X", "--request") and option.value != "GET"


def _problem(call: Call, found: list[Option]) -> tuple[str, str] | None:
    names = names_of(found)
    if any(option.name in _NO_DOWNLOAD or _asks_otherwise(option) for option in found):
        return "no-download", "this curl sends something; whether its answer matters is not known"
    items, index = call.view.script.items, call.command.item
    alternative = index + 1 < len(items) and items[index + 1].operator == "||"
    if names & _READS_STATUS or _tested(call) or alternative:
        return "status-tested", "the script looks at this curl's answer or status itself"
    return None


def _tested(call: Call) -> bool:
    """Whether ``||``, ``!``, a loop or the condition of an ``if`` looks at the call's status."""
    text, command = call.view.script.text, call.command
    before, after = text[: command.start], text[command.outer_end :].lstrip()
    if after.startswith("||") or before.rstrip().endswith("!") or _LOOPS.intersection(command.within):
        return True
    branch = max(before.rfind("then"), before.rfind("else"))
    return any("if" in part for part in command.within) and before.rfind("if ") > branch


def _proposal(group: list[Call]) -> Proposal:
    view = group[0].view

    def edit(editor: Editor) -> None:
        editor.script(view, [edit for call in group for edit in _edits(call)])

    return Proposal(view.instruction, "let curl fail on the server's errors", edit, safety=Safety.UNSAFE)


def _edits(call: Call) -> list[Edit]:
    letters = "f"
    names = names_of(options(call.args, _VALUED))
    github = any(
        "://github.com/" in word.text and any(part in word.text for part in _REDIRECTING) for word in call.args
    )
    if github and not names & {"-L", "--location", "--location-trusted"}:
        letters = "fL"
    first = call.args[0] if call.args else None
    bundle = first is not None and first.value == first.text and re.match(r"-[A-Za-z#]", first.text)
    if first is not None and bundle:
        return [(first.start + 1, first.start + 1, letters)]
    return [insert_after(call.program, "-" + letters)]
