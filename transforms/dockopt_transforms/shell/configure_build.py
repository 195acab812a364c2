"""``./configure`` told which machine it builds on."""

from __future__ import annotations

from collections.abc import Iterator

from dockopt.api import Document, Editor, Facts, Phase, Proposal, Refusal, Safety, Transform, base_name, insert_after
from dockopt_transforms._tables import word_set
from dockopt_transforms.shell._calls import Call, calls, grouped

# Options every configure script made by Autoconf has, and the hand-written ones of that name (nginx, FFmpeg,
# zlib, OpenSSL) do not.
_AUTOCONF_OPTIONS = word_set(
    "--sysconfdir --localstatedir --libexecdir --sharedstatedir --oldincludedir --datarootdir --localedir --program-prefix "
    "--program-suffix --disable-dependency-tracking --disable-maintainer-mode --enable-maintainer-mode "
    "--disable-silent-rules --enable-silent-rules --disable-option-checking --enable-option-checking --cache-file "
    "--config-cache -C --with-pic --without-pic"
)
_GENERATORS = word_set("autoreconf autoconf autogen.sh buildconf bootstrap bootstrap.sh phpize")
_FULL_IMAGES = word_set("buildpack-deps gcc python ruby node perl")
_VALUE = '--build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)"'


class ConfigureBuild(Transform):
    """Tell ``./configure`` which machine it builds on.

    What:
        Adds ``--build="$(dpkg-architecture --query DEB_BUILD_GNU_TYPE)"`` where the script is known to be
        Autoconf's and ``dpkg-architecture`` is known to be there.

    Why:
        Configure scripts guess by a ``config.guess`` as old as the release, which knows nothing of newer
        architectures, and under emulation guess the wrong one.

    Safety:
        Unsafe: the name of the build machine goes into what some programs install (``x86_64-linux-gnu`` where
        ``config.guess`` says ``x86_64-pc-linux-gnu``).

    Refuses:
        not-autoconf: nothing shows that the script was made by Autoconf; others reject the option
        no-dpkg-architecture: nothing shows that dpkg-dev is installed before

    References:
        binnacle configureShouldUseBuildFlag
        https://www.gnu.org/software/autoconf/manual/autoconf.html (Specifying Target Triplets)
    """

    id = "configure-build"
    phase = Phase.SHELL
    aliases = ("configureShouldUseBuildFlag",)
    safety = "unsafe"
    mildest = "unsafe"
    mentions = ("configure",)

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        for group in grouped(calls(facts, "configure")):
            good: list[Call] = []
            refusals: dict[str, Refusal] = {}
            for call in group:
                if any(
                    word.text.startswith(("--build", "--host", "--target", "--help", "--version")) for word in call.args
                ):
                    continue
                problem = _problem(facts, call)
                if problem is None:
                    good.append(call)
                else:
                    refusals.setdefault(problem[0], Refusal(call.view.instruction, *problem))
            yield from refusals.values()
            if good:
                yield _proposal(good)


def _problem(facts: Facts, call: Call) -> tuple[str, str] | None:
    named = {word.text.partition("=")[0] for word in call.args}
    before = {
        base_name(other.name or "") for other in call.view.commands if other.start < call.command.start and other.name
    }
    if not named & _AUTOCONF_OPTIONS and not before & _GENERATORS:
        return "not-autoconf", "nothing shows that this configure script is Autoconf's, which knows --build"
    if not _has_dpkg_architecture(facts, call):
        return "no-dpkg-architecture", "nothing shows that dpkg-architecture (package dpkg-dev) is there"
    return None


def _has_dpkg_architecture(facts: Facts, call: Call) -> bool:
    stage = call.view.stage
    image = facts.base_image(stage)
    if image is not None and image.name in _FULL_IMAGES and image.family in ("debian", "ubuntu"):
        return not any(part in image.tag for part in ("slim", "curl", "scm")) or _installed(facts, call)
    return _installed(facts, call)


def _installed(facts: Facts, call: Call) -> bool:
    """Whether dpkg-dev, or what depends on it, is installed before the call."""
    stage = call.view.stage
    members = {member.index for member in stage.chain}
    here = (stage.index, call.view.instruction.start_line, call.command.start)
    for manager in ("apt", "apk"):
        for view, use in facts.invocations(manager):
            place = (view.stage.index, view.instruction.start_line, use.command.start)
            if view.stage.index in members and place < here and use.action == "install":
                packages = {(word.value or "").partition("=")[0] for word in use.operands}
                if "dpkg-dev" in packages or (manager == "apt" and "build-essential" in packages):
                    return True
    return False


def _proposal(group: list[Call]) -> Proposal:
    view = group[0].view

    def edit(editor: Editor) -> None:
        editor.script(view, [insert_after(call.program, _VALUE) for call in group])

    return Proposal(view.instruction, "add --build to configure", edit, safety=Safety.UNSAFE)
