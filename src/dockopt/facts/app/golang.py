"""Go modules: go.mod, the main packages, what ``go build`` makes."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import join, line_of, present
from dockopt.facts.app.source import first, mask
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_GO_MAIN = re.compile(r"^package\s+main\b", re.M)
_GO_FUNC_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.M)


def go(context: Context, root: str) -> App | None:
    """A Go module by its go.mod."""
    path = join(root, "go.mod")
    if not context.is_file(path):
        return None
    text = context.text(path)
    locks = present(context, root, ("go.sum", "go.work.sum"))
    extras = present(context, root, ("go.work",))
    if isinstance(text, Unknown):
        return App("go", root, path, Known("go", path), (path, *extras), locks, text)
    masked = mask(text.value)
    module = first(re.compile(r"^module\s+\"?([^\s\"]+)", re.M), masked, path)
    if module is None:
        unknown = Unknown(f"{path} names no module")
        return App("go", root, path, unknown, (path, *extras), locks, unknown, build=unknown, outputs=unknown)
    details = {"module": module}
    version = first(re.compile(r"^go\s+([\d.]+)", re.M), masked, path)
    if version is not None:
        details["go"] = version
    needs: Known[bool] | Unknown = Known(False, path)
    local = first(re.compile(r"=>\s+(\.{1,2}/\S*|/\S+)"), masked, path)
    if local is not None:
        needs = Known(True, f"{local.evidence}: replaced by the folder {local.value}")
    elif extras:
        needs = Known(True, f"{extras[0]}: a workspace")
    elif context.is_dir(join(root, "vendor")):
        needs = Known(True, f"{join(root, 'vendor')}: the dependencies are in the sources")
    mains, cgo = _go_mains(context, root)
    build: Known[tuple[str, ...]] | Unknown
    outputs: Known[tuple[str, ...]] | Unknown
    if cgo is not None:
        details["cgo"] = cgo
    if len(mains) == 1:
        folder = mains[0].value
        package = "." if folder == root else "./" + posixpath.relpath(folder, root)
        name = posixpath.basename(folder) if folder != root else re.sub(r"/v\d+\Z", "", module.value).rsplit("/", 1)[-1]
        build = Known(("go", "build", "-o", name, package), mains[0].evidence)
        outputs = Known((name,), mains[0].evidence)
        details["main"] = Known(package, mains[0].evidence)
    else:
        build = Unknown(
            f"{root}: {len(mains)} main packages: {', '.join(main.value for main in mains) or 'none in its folder, cmd/ or below'}"
        )
        outputs = build
    return App("go", root, path, Known("go", path), (path, *extras), locks, needs, build=build, outputs=outputs, details=details,
               metadata={"name": Known(module.value.rsplit("/", 1)[-1], module.evidence)})  # fmt: skip


def _go_mains(context: Context, root: str) -> tuple[list[Known[str]], Known[str] | None]:
    """The folders of main packages, and where cgo is used."""
    prefix = "" if root == "." else root + "/"
    mains: dict[str, str] = {}
    cgo: Known[str] | None = None
    read = 0
    for name in context.listing.files:
        if not name.startswith(prefix) or not name.endswith(".go") or name.endswith("_test.go"):
            continue
        inner = name[len(prefix) :].split("/")
        if any(
            part in ("vendor", "testdata", "node_modules", "examples", "example") or part.startswith(("_", "."))
            for part in inner[:-1]
        ):
            continue
        read += 1
        if read > 2000:
            break
        text = context.text(name)
        if isinstance(text, Unknown):
            continue
        masked = mask(text.value)
        if 'import "C"' in masked and cgo is None:
            cgo = Known("yes", f"{name}:{line_of(masked, 'import ' + chr(34) + 'C')}")
        if (
            _GO_MAIN.search(masked)
            and _GO_FUNC_MAIN.search(masked)
            and not re.search(r"^//go:build\s+ignore", text.value, re.M)
        ):
            match = _GO_FUNC_MAIN.search(masked)
            assert match is not None
            folder = posixpath.dirname(name) or "."
            mains.setdefault(folder, f"{name}:{masked.count(chr(10), 0, match.start()) + 1}")
    return [Known(folder, where) for folder, where in sorted(mains.items())], cgo
