"""``wget`` without a progress bar of thousands of lines."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Phase, Proposal, Refusal, Transform, base_name, insert_after
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell import _gnu_wget
from dockopt_transforms.shell._calls import Call, calls, grouped, options

# Short options of wget(1) that take a value, and the long ones that are common without ``=``.
_VALUED = word_set(
    "-a -A -B -D -e -i -I -l -o -O -P -Q -R -t -T -U -w -X --append-output --output-file --output-document --tries "
    "--directory-prefix --header --user-agent --timeout --execute --input-file --wait --user --password --post-data "
    "--post-file --referer --cut-dirs --level --accept --reject --domains --ca-certificate --connect-timeout "
    "--read-timeout --waitretry --limit-rate --load-cookies --save-cookies --base --method --body-data"
)
_QUIET = word_set("-q --quiet --no-verbose --progress -o -a --output-file --append-output -b --background")
_NO_DOWNLOAD = frozenset(("--version", "-V", "--help", "-h", "--spider"))


class WgetQuietProgress(Transform):
    """Show the progress of ``wget`` in few lines.

    What:
        Adds ``--progress=dot:giga`` right behind ``wget`` where nothing else makes it quiet.

    Why:
        Without a terminal, wget prints a line for every 50 KiB it loads: a large download buries what
        matters in the build's log under thousands of lines.

    Safety:
        Safe: the same bytes are downloaded; only what wget prints on the way changes.

    Refuses:
        busybox-wget: BusyBox's wget, which Alpine has unless wget is installed, does not know the option
        wget-unknown: nothing shows which wget the image has
        output-read: what wget prints goes to a file or another command
        no-download: the call downloads nothing

    References:
        hadolint DL3047
        https://www.gnu.org/software/wget/manual/wget.html (Download Options)
    """

    id = "wget-quiet-progress"
    phase = Phase.SHELL
    local = True
    aliases = ("DL3047",)
    after = ("drop-sudo",)
    mentions = ("wget",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for group in grouped(call for call in calls(facts, "wget") if _noisy(call)):
            refusals: dict[str, Refusal] = {}
            good: list[Call] = []
            evidence: dict[str, None] = {}
            for call in group:
                problem = _problem(call)
                proof = None if problem is not None else _gnu_wget.evidence(facts, call)
                if problem is None and proof is None:
                    problem = _not_gnu(facts, call)
                if problem is not None:
                    refusals.setdefault(problem[0], Refusal(call.view.instruction, *problem))
                elif proof is not None:
                    good.append(call)
                    evidence[proof] = None
            yield from refusals.values()
            if good:
                yield _proposal(good, tuple(evidence))


def _noisy(call: Call) -> bool:
    found = options(call.args, _VALUED)
    for option in found:
        if option.name in _QUIET or (option.name == "-e" and (option.value or "").startswith(("progress", "quiet"))):
            return False
    texts = [word.value for word in call.args]
    return not any(text is not None and text.startswith("-") and _no_verbose(text) for text in texts)


def _no_verbose(text: str) -> bool:
    """Whether a bundle of short options holds ``-nv``: wget reads the letters behind ``n`` as its own."""
    at = text.find("n")
    return (
        not text.startswith("--") and at > 0 and "v" in text[at:] and not any("-" + ch in _VALUED for ch in text[1:at])
    )


def _problem(call: Call) -> tuple[str, str] | None:
    found = options(call.args, _VALUED)
    if not call.args or any(option.name in _NO_DOWNLOAD for option in found):
        return "no-download", "this call of wget downloads nothing"
    target = _log_target(call)
    return ("output-read", f"what wget prints goes elsewhere ({target})") if target is not None else None


def _log_target(call: Call) -> str | None:
    """Where wget's messages go when that is neither the build's log nor /dev/null."""
    piped = "pipeline" in call.command.within or "command_substitution" in call.command.within
    out: str | None = "the next command" if piped else None
    log: str | None = None
    for redirect in call.command.redirects:
        text = redirect.text.replace(" ", "")
        target = None if text.endswith("/dev/null") else redirect.text
        if text == "2>&1":
            log = out
        elif text.startswith("2>"):
            log = target
        elif text.startswith(("&>", ">&")) and text not in (">&2", ">&1"):
            out = log = target
        elif text in (">&2", "1>&2"):
            out = log
        elif text.startswith((">", "1>")):
            out = target
    return log


def _not_gnu(facts: Facts, call: Call) -> tuple[str, str]:
    image = facts.base_image(call.view.stage)
    members = {member.index for member in call.view.stage.chain}
    apk = any(view.stage.index in members for view, _ in facts.invocations("apk"))
    if apk or (image is not None and image.family in ("alpine", "busybox")):
        return "busybox-wget", "BusyBox's wget does not know --progress, and no wget is installed before"
    base = call.view.stage.root.base or base_name(call.view.stage.root.from_.rest)
    return "wget-unknown", f"whether {base} has GNU wget or BusyBox's is not known"


def _proposal(group: list[Call], evidence: tuple[str, ...]) -> Proposal:
    view = group[0].view

    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(call.program, "--progress=dot:giga") for call in group])

    return Proposal(view.instruction, "add --progress=dot:giga to wget", edit, evidence=evidence)
