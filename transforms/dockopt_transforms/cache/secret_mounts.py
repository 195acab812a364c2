"""Secrets do not belong in an image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockopt.api import (
    Document,
    Editor,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    base_name,
)

# BuildKit's own check takes these words for a secret, and not where the name says that it is public.
_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE
)
_HARMLESS = re.compile(
    r"(?:_|^)(?:public|pub|gpg|pgp|file|path|url|uri|name|id|dir|header|host|server|user|version|enable)(?:_|$)",
    re.IGNORECASE,
)
_FILES = {
    ".npmrc": "npmrc",
    ".yarnrc.yml": "yarnrc",
    ".netrc": "netrc",
    ".pypirc": "pypirc",
    "pip.conf": "pip_conf",
    ".git-credentials": "git_credentials",
    "id_rsa": "ssh_key",
    "id_ed25519": "ssh_key",
    "id_ecdsa": "ssh_key",
    "auth.json": "composer_auth",
    "credentials": "credentials",
    ".dockercfg": "docker_config",
}
# A line of such a file that holds a secret: a token, a password, a key, an account in a URL.
_TELLING = re.compile(r"(?i)_auth|passw|token|secret|private key|://[^/\s:@]+:[^/\s@]+@|\"auths?\"|\blogin\b")
_IN_URL = re.compile(r"https?://[^\s/:@\"']+:([^\s/@\"']+)@")


class SecretMounts(Transform):
    """Give secrets to a build by a mount.

    What:
        Points out passwords and tokens that a build takes from ARG, ENV, a copied file (``.npmrc``, ``.netrc``,
        an SSH key …) or a URL in a command, and the ``--mount=type=secret`` that each RUN that reads one needs.

    Why:
        The value of an ARG or ENV stands in the image's history and configuration, and a copied file in its layer,
        even when a later step deletes it: who can pull the image can read the secret. A secret that is mounted is
        there for one RUN and leaves nothing behind.

    Safety:
        Manual: whoever builds has to pass ``--secret`` too, and a secret that was built in before is to be
        replaced.

    Refuses:
        not-read-in-build: no RUN reads it, so it is for the running container: pass it when the container starts
        another-stage: a stage built on this one reads it, or an instruction that takes no mounts

    References:
        https://docs.docker.com/build/building/secrets/
        https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/
    """

    id = "secret-mounts"
    phase = Phase.CACHE
    aliases = ("SecretsUsedInArgOrEnv",)
    safety = "manual"
    mildest = "manual"
    mentions = (
        "key",
        "auth",
        "credential",
        "passw",
        "pword",
        "secret",
        "token",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        ".npmrc",
        ".yarnrc",
        ".netrc",
        ".pypirc",
        "pip.conf",
        ".dockercfg",
        "@",
    )

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for stage in facts.stages.all:
            for node in stage.instructions:
                if node.name in ("ARG", "ENV"):
                    yield from _variables(facts, stage, node)
                elif node.name in ("COPY", "ADD") and node.flag("from") is None:
                    yield from _files(facts, stage, node)
                elif node.name == "RUN":
                    found = _IN_URL.search(node.rest)
                    if found is not None and not found[1].startswith("$"):
                        yield _in_url(node)


def _variables(facts: Facts, stage: Stage, node: Instruction) -> Iterator[Proposal | Refusal]:
    if node.name == "ARG":
        names = [token.text.partition("=")[0] for token in node.tokens]
    else:
        names = [pair.key for pair in node.pairs]
    for name in names:
        if not _SECRET.search(name) or _HARMLESS.search(name):
            continue
        after = stage.instructions[stage.instructions.index(node) + 1 :]
        users = [other for other in after if other is not node and _names(other, name)]
        below = [
            other
            for child in facts.stages.descendants(stage)
            for other in child.instructions
            if node.name == "ENV" and _names(other, name)
        ]
        if below or any(other.name != "RUN" for other in users):
            user = next(other for other in (*users, *below) if other.name != "RUN" or other in below)
            where = f"line {user.start_line}"
            yield Refusal(node, "another-stage", f"{where} reads {name} and takes no mount of this stage")
        elif not users:
            yield Refusal(node, "not-read-in-build", f"no RUN reads {name}: pass it when the container starts")
        else:
            yield _by_variable(node, name, users, alone=len(names) == 1)


def _names(node: Instruction, name: str) -> bool:
    return re.search(rf"\$\{{?{re.escape(name)}(?!\w)", node.text) is not None


def _by_variable(node: Instruction, name: str, users: list[Instruction], *, alone: bool) -> Proposal:
    mount = f"--mount=type=secret,id={name.lower()},env={name} "

    def edit(editor: Editor) -> None:
        for user in users:
            _mount(editor, user, mount)
        if alone:
            editor.remove(node)

    lines = ", ".join(str(user.start_line) for user in users)
    told = f"pass {name} by {mount.strip()} to the RUN in line {lines}, and build with --secret id={name.lower()},env={name}"
    if node.name == "ENV":
        told += "; a container that reads it is to get it when it starts"
    return Proposal(
        (node, *users),
        told,
        edit,
        safety=Safety.MANUAL,
    )


def _harmless_file(facts: Facts, source: str) -> bool:
    """Whether the build context shows that a file of settings holds no secret."""
    text = facts.context.value.text(source.lstrip("/")) if isinstance(facts.context, Known) else None
    return isinstance(text, Known) and _TELLING.search(text.value) is None


def _files(facts: Facts, stage: Stage, node: Instruction) -> Iterator[Proposal | Refusal]:
    if node.heredocs or len(node.args) < 2:
        return
    for source in node.args[:-1]:
        name = base_name(source.rstrip("/"))
        known = _FILES.get(name)
        if known is None or (name == "credentials" and ".aws" not in source) or _harmless_file(facts, source):
            continue
        after = stage.instructions[stage.instructions.index(node) + 1 :]
        users = [other for other in after if other.name == "RUN"]
        if not users:
            yield Refusal(
                node, "not-read-in-build", f"no RUN follows that could read {name}: mount it in the container"
            )
            continue
        workdir = facts.state(node).workdir
        place = posixpath.join(workdir.value if isinstance(workdir, Known) else "/", node.args[-1])
        yield _by_file(node, source, known, place, users[0], alone=len(node.args) == 2)


def _by_file(node: Instruction, source: str, id: str, place: str, user: Instruction, *, alone: bool) -> Proposal:
    """:param place: where it is copied to, absolute"""
    folder = place.endswith("/") or base_name(place) == "."
    target = posixpath.normpath(posixpath.join(place, base_name(source)) if folder else place)
    mount = f"--mount=type=secret,id={id},target={target} "

    def edit(editor: Editor) -> None:
        _mount(editor, user, mount)
        if alone:
            editor.remove(node)

    return Proposal(
        (node, user),
        f"pass {source} by {mount.strip()} to the RUN that reads it, and build with --secret id={id},src={source}",
        edit,
        safety=Safety.MANUAL,
    )


def _in_url(node: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        _mount(editor, node, "--mount=type=secret,id=netrc,target=/root/.netrc ")

    return Proposal(
        node,
        "take the password out of the URL and pass it by --mount=type=secret,id=netrc,target=/root/.netrc",
        edit,
        safety=Safety.MANUAL,
    )


def _mount(editor: Editor, node: Instruction, mount: str) -> None:
    editor.splice(node, [(node.args_start, node.args_start, mount)])
