"""Logs that are written to files inside the container, where nobody collects them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Edit,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    base_name,
    installed,
    posix_shell,
)
from dockopt_transforms.runtime._start import Start, json_string, start_of

# The log files of the distributions' packages: program -> package -> (access log, error log).
_SERVERS = {
    "nginx": {"nginx": ("/var/log/nginx/access.log", "/var/log/nginx/error.log")},
    "apache2ctl": {
        "apache2": ("/var/log/apache2/access.log", "/var/log/apache2/error.log"),
    },
    "apachectl": {"apache2": ("/var/log/apache2/access.log", "/var/log/apache2/error.log")},
    "httpd": {
        "httpd": ("/var/log/httpd/access_log", "/var/log/httpd/error_log"),
        "apache2": ("/var/log/apache2/access.log", "/var/log/apache2/error.log"),
    },
}
_MANAGERS = ("apt", "apk", "dnf", "yum", "microdnf")
# argparse takes ``-cFILE`` too, and the first letters of a long option where no other begins with them.
_GUNICORN_DECIDES = re.compile(r"-c|--con|--log-con|--logger|--access-logfo")
_GUNICORN_LOGS = re.compile(r"--access-logfi")


class LogToStdout(Transform):
    """Let a server's logs reach ``docker logs``.

    What:
        Links the log files of nginx and Apache that a package manager installed to ``/dev/stdout`` and
        ``/dev/stderr``, right after the RUN that installs them, as the official images do. Adds
        ``--access-logfile -`` to gunicorn, which writes no access log by itself.

    Why:
        What is written to a file in the container is not seen by ``docker logs`` nor by whoever collects them, is lost
        with the container, and grows it meanwhile.

    Safety:
        Unsafe: the logs appear in another place; what reads the files finds none.

    Refuses:
        log-decided: the log files are named elsewhere in the file, or a configuration of its own decides
        user-unknown: the RUN after the installation would not run as root
        shell-form: the command is not in exec form, so that where its words end is not known

    References:
        https://docs.docker.com/engine/logging/
        https://docs.gunicorn.org/en/stable/settings.html#accesslog
    """

    id = "log-to-stdout"
    phase = Phase.RUNTIME
    after = ("exec-form", "python-env", "node-env", "java-env", "expose-port", "add-user", "add-healthcheck")
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("nginx", "apache", "httpd", "gunicorn")

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        start = start_of(facts)
        if start is None or start.stage.windows:
            return
        if start.words and (start.words[0] == "gunicorn" or start.words[0].endswith("/bin/gunicorn")):
            result = _gunicorn(facts, start)
        elif start.program in _SERVERS:
            result = _linked(document, facts, start)
        else:
            return
        if result is not None:
            yield result


def _gunicorn(facts: Facts, start: Start) -> Proposal | Refusal | None:
    node = start.node
    if facts.mentions("gunicorn_cmd_args"):
        return Refusal(node, "log-decided", "GUNICORN_CMD_ARGS may say where the log goes")
    if any(map(_GUNICORN_LOGS.match, start.words)):
        return None
    if any(map(_GUNICORN_DECIDES.match, start.words)):
        return Refusal(node, "log-decided", "a configuration of its own says where the log goes")
    context = facts.context
    if not isinstance(context, Known):
        return Refusal(node, "log-decided", "whether a gunicorn.conf.py says where the log goes is not known")
    if any(name.rpartition("/")[2] == "gunicorn.conf.py" for name in context.value.listing.files):
        return Refusal(node, "log-decided", "gunicorn.conf.py says where the log goes")
    words = node.json
    if words is None or tuple(words[-len(start.words) :]) != start.words:
        return Refusal(node, "shell-form", "the command is not in exec form")
    edits = _append(node, start.words[-1])
    if edits is None:
        return None

    def edit(editor: Editor) -> None:
        editor.splice(node, edits)

    return Proposal(
        node,
        "let gunicorn write its access log to standard output",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(config=(node.name.lower(),)),
    )


def _append(node: Instruction, last: str) -> list[Edit] | None:
    """The edit that puts the flag behind the last word; None where the word is written in an unusual way."""
    name = json_string(last)
    at = node.line.rfind(name, 0, node.args_end)
    end = at + len(name)
    return [(end, end, ', "--access-logfile", "-"')] if at >= 0 else None


def _linked(document: Document, facts: Facts, start: Start) -> Proposal | Refusal | None:
    found = _installation(facts, start)
    if found is None:
        return None
    view, (access, error) = found
    node = view.instruction
    if facts.mentions(f"/dev/stdout {access}"):
        return None
    if facts.mentions(access.rpartition("/")[0] + "/", "/dev/stdout", "/dev/stderr"):
        return Refusal(node, "log-decided", "the file itself says something about the logs")
    state = facts.state(node)
    if not isinstance(state.user, Known) or state.user.value.partition(":")[0] not in ("root", "0", ""):
        return Refusal(node, "user-unknown", "a RUN here is not known to run as root")
    if not posix_shell(state.shell):
        return Refusal(node, "user-unknown", "SHELL is none that dockopt knows")
    joint = f" {document.escape}"

    def edit(editor: Editor) -> None:
        line = f"{joint}{editor.eol}{document.indent}&& "
        text = f"{document.keyword('RUN')} ln -sf /dev/stdout {access}{line}ln -sf /dev/stderr {error}{editor.eol}"
        editor.insert_after(node, text)

    return Proposal(
        node,
        f"link the logs of {start.program} to standard output and error",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(files_added=(access, error), layers=1),
    )


def _installation(facts: Facts, start: Start) -> tuple[ScriptView, tuple[str, str]] | None:
    """The RUN of the final image that installs the server, and the log files its package writes."""
    logs = _SERVERS[start.program]
    for view in facts.scripts:
        if view.stage not in start.stage.chain or view.opaque is not None:
            continue
        for name in installed(view.script.text):
            manager, _, package = name.partition(":")
            if manager in _MANAGERS and base_name(package) in logs:
                return view, logs[package]
    return None
