"""``useradd`` with a high uid and a sparse log as large as the uid."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import Document, Editor, Effects, Facts, Phase, Proposal, Refusal, Transform, insert_after
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import Call, calls, grouped, names_of, options

_VALUED = word_set(
    "-b -c -d -e -f -g -G -k -K -p -P -R -s -u -Z --base-dir --comment --home-dir --home --expiredate --inactive --gid "
    "--groups --skel --key --password --prefix --root --shell --uid --selinux-user"
)
_VARIABLE = re.compile(r'"?\$\{?([A-Za-z_]\w*)\}?"?\Z')
#: hadolint's limit: uids of six digits and more. lastlog takes 292 bytes a uid: 29 MB for 100000.
_HIGH = 100_000
EFFECTS = Effects(files_removed=("/var/log/lastlog", "/var/log/faillog"))


class UseraddNoLogInit(Transform):
    """Add ``--no-log-init`` to ``useradd`` with a high uid.

    What:
        Adds the option right behind ``useradd`` where the uid is 100000 or more, or a build argument, which
        whoever builds may set to such a uid.

    Why:
        useradd writes an entry at the uid's place into ``/var/log/lastlog`` and ``/var/log/faillog``. The
        files are sparse on disk, but a layer stores them as zeros: gigabytes for a directory service's uid.

    Safety:
        Safe: the user is the same; only the two logs, which nobody reads in a container, lack an entry.

    Refuses:
        uid-unknown: the uid is worked out by the script, and nothing shows that it can be high

    References:
        hadolint DL3046
        https://docs.docker.com/build/building/best-practices/#user
    """

    id = "useradd-no-log-init"
    phase = Phase.SHELL
    local = True
    aliases = ("DL3046",)
    after = ("drop-sudo",)
    mentions = ("useradd",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for group in grouped(calls(facts, "useradd")):
            good: list[Call] = []
            refused = False
            for call in group:
                high = _high_uid(facts, call)
                if high:
                    good.append(call)
                elif high is None:
                    refused = True
            node = group[0].view.instruction
            if refused:
                yield Refusal(node, "uid-unknown", "the uid is worked out by the script")
            if good:
                yield _proposal(good)


def _high_uid(facts: Facts, call: Call) -> bool | None:
    """Whether the uid is, or may be chosen, high; None where that cannot be told."""
    found = options(call.args, _VALUED)
    names = names_of(found)
    if "-l" in names or "-D" in names or "--defaults" in names or any(name.startswith("--no-log") for name in names):
        return False
    uid = next((option for option in found if option.name in ("-u", "--uid")), None)
    if uid is None:
        return False
    if uid.value is not None:
        return uid.value.isdigit() and int(uid.value) >= _HIGH
    text = uid.value_word.text if uid.value_word is not None else uid.word.text.rpartition("=")[2]
    match = _VARIABLE.match(text)
    env = facts.state(call.view.instruction).env
    if match is None or match[1] not in env or _assigned(call, match[1]):
        return None
    value = env[match[1]]
    return True if value is None else value.isdigit() and int(value) >= _HIGH


def _assigned(call: Call, name: str) -> bool:
    """Whether the script gives the variable a value of its own."""
    return re.search(rf"\b{name}=", call.view.script.text) is not None


def _proposal(group: list[Call]) -> Proposal:
    view = group[0].view

    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(call.program, "--no-log-init") for call in group])

    return Proposal(view.instruction, "add --no-log-init to useradd", edit, effects=EFFECTS)
