"""Downloads over plain http."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockopt.api import (
    BaseImage,
    Command,
    Document,
    Edit,
    Editor,
    Facts,
    Instruction,
    Phase,
    Proposal,
    Refusal,
    Safety,
    ScriptView,
    Transform,
    Word,
    base_name,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import calls

# Hosts that serve the same paths over https, by their operators' own pages (2026-08).
_HOSTS = word_set(
    "github.com raw.githubusercontent.com gist.githubusercontent.com codeload.github.com gitlab.com bitbucket.org "
    "pypi.org pypi.python.org files.pythonhosted.org www.python.org python.org bootstrap.pypa.io nodejs.org "
    "registry.npmjs.org archive.apache.org downloads.apache.org dlcdn.apache.org www.apache.org repo1.maven.org "
    "repo.maven.apache.org repo.spring.io plugins.gradle.org services.gradle.org storage.googleapis.com dl.google.com "
    "ftp.gnu.org www.kernel.org cdn.kernel.org mirrors.kernel.org download.docker.com get.docker.com rubygems.org "
    "cache.ruby-lang.org getcomposer.org www.php.net dl-cdn.alpinelinux.org nginx.org download.redis.io "
    "fastdl.mongodb.org downloads.mysql.com dev.mysql.com cdn.mysql.com ftp.postgresql.org apt.postgresql.org "
    "packages.microsoft.com packages.cloud.google.com download.oracle.com repo.continuum.io repo.anaconda.com "
    "cran.r-project.org cloud.r-project.org download.sourceforge.net downloads.sourceforge.net sourceforge.net "
    "releases.hashicorp.com curl.se www.openssl.org zlib.net www.cpan.org cpanmin.us deb.nodesource.com "
    "packages.elastic.co artifacts.elastic.co s3.amazonaws.com pear.php.net pecl.php.net"
)
_URL = re.compile(r"\"?'?http://([\w.-]+)(/|[\"']?\Z)")
_OLD_NAMES = re.compile(r"wheezy|jessie|squeeze|stretch|precise|trusty|xenial")
_OLD_VERSIONS = {
    "debian": re.compile(r"[5-9](\.|-|$)"),
    "ubuntu": re.compile(r"1[0-7]\."),
    "alpine": re.compile(r"[12]\.|3\.[0-5](\.|$)"),
    "centos": re.compile(r"(centos)?[56](\.|$)"),
}
_CERTIFICATES = word_set("ca-certificates ca-certificates-bundle")
_FULL_IMAGES = word_set("buildpack-deps python node ruby golang rust perl gcc php openjdk maven eclipse-temurin")


class HttpsUrls(Transform):
    """Download over https where the host is known to serve it.

    What:
        ``http://`` becomes ``https://`` in what curl, wget, ``git clone`` and ADD download from hosts of a table.

    Why:
        Over http anybody on the way can put something else into the image.

    Safety:
        Unsafe: the connection needs certificates the host and the image agree on, and a proxy may treat it otherwise.

    Refuses:
        certificates-unknown: nothing shows that the image has certificates to check the host's with
        distribution-too-old: the image's certificates or TLS are older than what these hosts accept

    References:
        binnacle wgetUseHttpsUrl, curlUseHttpsUrl
    """

    id = "https-urls"
    phase = Phase.SHELL
    aliases = ("wgetUseHttpsUrl", "curlUseHttpsUrl")
    after = ("drop-sudo",)
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("http://",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        by_node: dict[int, tuple[ScriptView, list[Word]]] = {}
        for call in calls(facts, "curl", "wget", "git"):
            if base_name(call.program.value or "") == "git" and not any(word.value == "clone" for word in call.args):
                continue
            words = [word for word in call.args if _known(word.text)]
            if words and "://" not in "".join(word.text for word in call.args if "proxy" in word.text):
                by_node.setdefault(call.view.instruction.id, (call.view, []))[1].extend(words)
        for view, words in by_node.values():
            problem = _problem(facts, view)
            yield Refusal(view.instruction, *problem) if problem is not None else _in_script(view, words)
        for node in document.instructions:
            if node.name == "ADD" and node.json is None and any(_known(token.text) for token in node.tokens):
                yield _in_add(node)


def _known(text: str) -> bool:
    match = _URL.match(text)
    return match is not None and match[1].lower() in _HOSTS


def _http_end(text: str) -> int:
    return text.index("http://") + len("http")


def _problem(facts: Facts, view: ScriptView) -> tuple[str, str] | None:
    """Whether the image can check a certificate: it has done so before, or has the package."""
    image = facts.base_image(view.stage)
    if image is not None and _too_old(image):
        return "distribution-too-old", f"{image.name}:{image.tag} is older than the certificates in use today"
    if image is not None and image.family == "fedora":
        return None
    if image is not None and image.name in _FULL_IMAGES and "slim" not in image.tag and image.family != "alpine":
        return None
    members = {member.index for member in view.stage.chain}
    here = (view.stage.index, view.instruction.start_line)
    for other in facts.scripts:
        if other.stage.index not in members or (other.stage.index, other.instruction.start_line) > here:
            continue
        for call in other.invocations:
            packages = {(word.value or "").partition("=")[0] for word in call.operands}
            # The recommended packages of curl and wget bring the certificates along.
            recommended = call.manager.name == "apt" and call.option("--no-install-recommends") is None
            wanted = _CERTIFICATES | {"curl", "wget"} if recommended else _CERTIFICATES
            if call.action == "install" and packages & wanted:
                return None
        if other is not view and any(_over_https(command) for command in other.commands):
            return None
    return "certificates-unknown", "nothing shows that the image has certificates to check the host's with"


def _too_old(image: BaseImage) -> bool:
    version = _OLD_VERSIONS.get(image.name)
    return bool(_OLD_NAMES.search(image.tag) or (version is not None and version.match(image.tag)))


def _over_https(command: Command) -> bool:
    return base_name(command.name or "") in ("curl", "wget") and any(
        word.text.lstrip("\"'").startswith("https://") for word in command.args
    )


def _in_script(view: ScriptView, words: list[Word]) -> Proposal:
    def edit(editor: Editor) -> None:
        edits: list[Edit] = [(at, at, "s") for at in (word.start + _http_end(word.text) for word in words)]
        editor.script(view, edits)

    return Proposal(view.instruction, "download over https", edit, safety=Safety.UNSAFE, evidence=("table of hosts",))


def _in_add(node: Instruction) -> Proposal:
    def edit(editor: Editor) -> None:
        places = [token.start + _http_end(token.text) for token in node.tokens if _known(token.text)]
        editor.splice(node, [(at, at, "s") for at in places])

    return Proposal(node, "download over https", edit, safety=Safety.UNSAFE, evidence=("table of hosts",))
