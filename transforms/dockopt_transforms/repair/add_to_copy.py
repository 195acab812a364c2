"""ADD does more than copy: it fetches and unpacks. COPY does not, and says so."""

from __future__ import annotations

import posixpath
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
    Stage,
    Transform,
    expand_known,
)
from dockopt_transforms.repair._destination import destination

# What ADD unpacks, told by content: tar, plain or compressed with gzip, bzip2, xz or zstd; the rest is doubt.
_ARCHIVES = frozenset(
    "tar gz tgz taz bz2 bz tbz tbz2 tb2 xz txz lzma tlz lz lz4 zst zstd tzst z tz ova gem crate apk box oci".split()  # noqa: SIM905
)
# Extensions that say how a file came about, not what is in it.
_TELLS_NOTHING = frozenset("dump backup bak image img layer layers orig old new".split())  # noqa: SIM905
_ADD_ONLY = frozenset(("checksum", "keep-git-dir", "unpack"))
_REMOTE = re.compile(r"[A-Za-z0-9]+://|[^/\s]+@[^/\s]+:")
# Names without an extension that mean a text file or a source folder wherever they stand.
_FILES = frozenset(
    "gemfile rakefile makefile gnumakefile procfile pipfile dockerfile containerfile vagrantfile jenkinsfile brewfile"  # noqa: SIM905
    " guardfile capfile berksfile podfile cartfile fastfile cakefile gruntfile justfile caddyfile license licence"
    " copying notice readme authors contributors changelog changes history install version manifest crontab"
    " authorized_keys known_hosts id_rsa id_ed25519 hosts passwd group sudoers resolv profile bashrc zshrc vimrc"
    " gitconfig requirements entrypoint docker-entrypoint gradlew mvnw configure sshd_config ssh_config".split()
)
_FOLDERS = frozenset(
    "src source sources app apps lib libs bin sbin etc conf config configs configuration cfg script scripts test tests"  # noqa: SIM905
    " spec doc docs public static templates template views assets css js img images fonts migrations client server"
    " frontend backend api web www html webapp cmd pkg internal vendor node_modules include tools utils examples"
    " plugins modules models controllers locale locales nginx supervisor cron.d init.d conf.d services".split()
)
# What a package manager's files start with: Gemfile*, package.*, Cargo.*.
_MANIFESTS = frozenset(
    "gemfile pipfile podfile makefile dockerfile package composer cargo pubspec requirements yarn pnpm bun tsconfig mix"  # noqa: SIM905
    " pom gradle build.gradle settings.gradle go pyproject poetry uv setup bower gulpfile gruntfile webpack rakefile".split()
)
_GLOB = re.compile(r"[*?\[]")
_TAME = re.compile(r"(?!~)[\w./@+:-]+\Z")


class AddToCopy(Transform):
    """Replace ADD of local files by COPY.

    What:
        Writes COPY where every source of an ADD is a local file or folder that ADD would only copy: a folder, a
        name whose extension is no archive's, a pattern that ends in such an extension. A relative destination
        becomes absolute where the file sets no WORKDIR and the base image's is known.

    Why:
        ADD fetches URLs and unpacks archives by what they hold; a reader of COPY need not wonder. Docker's best
        practices ask for COPY wherever ADD's extras are not meant.

    Safety:
        Safe where names tell. Unsafe where a name has no extension and tells nothing: ADD would unpack a tar
        archive of that name, COPY would not.

    Refuses:
        remote-source: a URL or git repository, which only ADD fetches
        archive-source: an archive, or a name that is most often one, which ADD may unpack
        glob-may-match-archive: a pattern that may match an archive
        variable-source: a source from a variable that may hold a URL or the name of an archive
        heredoc: the file's text stands in the Dockerfile
        add-only-flag: a flag that COPY does not have
        relative-destination: no WORKDIR says where the destination is, so a linter would only complain about the
            COPY instead

    References:
        https://docs.docker.com/reference/dockerfile/#adding-local-tar-archives
        https://docs.docker.com/build/building/best-practices/#add-or-copy
        hadolint DL3020
    """

    id = "add-to-copy"
    phase = Phase.REPAIR
    local = True
    form = True
    aliases = ("DL3020",)
    safety = "unsafe"
    instructions = ("ADD",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for node in facts.named("ADD"):
            yield self._look(node, facts)

    def _look(self, node: Instruction, facts: Facts) -> Proposal | Refusal:
        for flag in node.flags:
            if flag.name in _ADD_ONLY:
                return Refusal(node, "add-only-flag", f"COPY has no --{flag.name}")
        if node.heredocs:
            return Refusal(node, "heredoc", "the file's text stands in the Dockerfile")
        env = facts.state(node).env
        doubtful: list[str] = []
        for written in node.args[:-1]:
            known = expand_known(written, env, node.escape)
            source = known if known is not None else written
            cause, reason = _cause(source, unresolved=known is None)
            if cause:
                return Refusal(node, cause, reason)
            if _doubtful(source, _last(node.args[-1])):
                doubtful.append(source)
        edits = self._destination(node, facts)
        if edits is None:
            return Refusal(node, "relative-destination", f"no WORKDIR says where {node.args[-1]} is")
        return _proposal(node, doubtful, edits)

    def _destination(self, node: Instruction, facts: Facts) -> list[Edit] | None:
        """The edit that makes a relative destination absolute, none where it may stay, None where it cannot be."""
        start, end = destination(node)
        target = node.line[start:end]
        if target[:1] in ("/", "$", "") or target[1:2] == ":":
            return []
        stage = facts.stages.of(node)
        if stage is None or _workdir_above(stage, node):
            return []
        workdir = facts.state(node).workdir
        if not isinstance(workdir, Known) or not _TAME.match(target):
            return None
        path = posixpath.normpath(posixpath.join(workdir.value, target))
        folder = target.endswith("/") or target.rsplit("/", 1)[-1] in (".", "..")
        return [(start, end, path.rstrip("/") + "/" if folder else path)]


def _proposal(node: Instruction, doubtful: list[str], edits: list[Edit]) -> Proposal:
    keyword = "copy" if node.keyword.islower() else "COPY"

    def edit(editor: Editor) -> None:
        start = node.keyword_start
        editor.splice(node, [(start, start + len(node.keyword), keyword), *edits])

    if not doubtful:
        return Proposal(node, "replace ADD of local files by COPY", edit)
    target = node.args[-1].rstrip("/")
    unpacked = (target + "/**",) if target.startswith("/") else ("/**",)
    where = f"line {node.start_line}: "
    return Proposal(
        node,
        "replace ADD by COPY, unless a source is a tar archive without extension",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(files_removed=unpacked, files_added=unpacked),
        evidence=tuple(f"{where}{source} has no extension" for source in doubtful),
    )


def _last(path: str) -> str:
    """The last component of a path, in lower case and without quotes; empty for a folder or a drive."""
    path = path.strip("\"'").replace("\\", "/")
    return path.rsplit("/", 1)[-1].lower()


def _extension(name: str) -> str:
    """What follows the last dot; empty where there is none, or where the only dot leads."""
    stem, dot, extension = name.rpartition(".")
    return extension if dot and stem else ""


def _cause(source: str, *, unresolved: bool) -> tuple[str, str]:
    """Why a source must stay with ADD; two empty strings where it need not."""
    if _REMOTE.match(source.strip("\"'")):
        return "remote-source", f"{source} is fetched, which only ADD does"
    name = _last(source)
    extension = _extension(name)
    if unresolved:
        # Text before a slash cannot become a URL, and an extension written out cannot become another one.
        head = source.split("$", 1)[0]
        if "/" not in head or not extension or "$" in extension or "}" in extension:
            return "variable-source", f"{source} may be a URL or an archive"
    if extension in _ARCHIVES:
        return "archive-source", f"{source} may be an archive, which ADD unpacks"
    if _GLOB.search(name) and _may_match_archive(name):
        return "glob-may-match-archive", f"{source} may match an archive, which ADD unpacks"
    return "", ""


def _workdir_above(stage: Stage, node: Instruction) -> bool:
    """Whether a WORKDIR of the stage above ``node``, or of a stage it is built on, says where it works."""
    for member in stage.chain:
        for other in member.instructions:
            if other.id == node.id:
                break
            if other.name == "WORKDIR":
                return True
    return False


def _may_match_archive(pattern: str) -> bool:
    """Whether a pattern may match a name with an archive's extension, or with none."""
    parts = re.split(r"\[[^]]*\]?|[*?]", pattern)
    head = parts[0]
    if head.rstrip(".") in _MANIFESTS and head.endswith((".", "file")):
        return False
    tail = parts[-1]
    if "." in tail:
        return False  # the extension is written out, and was looked at
    return not tail or any(extension.endswith(tail) or tail.endswith(extension) for extension in _ARCHIVES)


def _doubtful(source: str, target: str) -> bool:
    """Whether a name leaves open that it is an archive: no extension, nothing else that tells."""
    name = _last(source)
    extension = _extension(name)
    if name in ("", ".", "..") or name.startswith("."):
        return False
    if extension and not extension.isdigit() and extension not in _TELLS_NOTHING:
        return False
    if name in _FILES or name in _FOLDERS or _GLOB.search(name):
        return False
    # An archive is unpacked into a folder; who names the target like the source copies it.
    return target != name
