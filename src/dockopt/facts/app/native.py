"""C and C++ projects: CMakeLists.txt, Makefile and their kin."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import join, present
from dockopt.facts.app.source import mask, search
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context


def native(context: Context, root: str) -> App | None:
    """A C or C++ project by its CMakeLists.txt or Makefile."""
    found = present(
        context,
        root,
        ("CMakeLists.txt", "meson.build", "configure", "configure.ac", "Makefile", "makefile", "GNUmakefile"),
    )
    if not found:
        return None
    path = found[0]
    name = posixpath.basename(path)
    text = context.text(path)
    if isinstance(text, Unknown):
        return App("native", root, path, Unknown(text.reason), found, (), text, build=text, outputs=text)
    if not any(
        one.endswith((".c", ".cc", ".cpp", ".cxx", ".h", ".hpp"))
        for folder in (root, join(root, "src"))
        for one in context.names(folder)
    ):
        return None
    masked = mask(text.value, "hash")
    outputs: Known[tuple[str, ...]] | Unknown = Unknown(f"{path}: what is built is not read")
    build: Known[tuple[str, ...]] | Unknown = outputs
    manager = {"CMakeLists.txt": "cmake", "meson.build": "meson"}.get(
        name, "make" if "akefile" in name else "autotools"
    )
    if manager == "cmake":
        targets = search(re.compile(r"^\s*add_executable\s*\(\s*([\w.+-]+)", re.M | re.I), masked, path)
        build = Known(("cmake", "--build", "build"), path)
        if targets and "RUNTIME_OUTPUT_DIRECTORY" not in masked and "OUTPUT_NAME" not in masked:
            outputs = Known(tuple(f"build/{one.match[1]}" for one in targets), targets[0].where)
    elif manager == "make":
        build = Known(("make",), path)
    return App(
        "native",
        root,
        path,
        Known(manager, path),
        found,
        (),
        Known(True, f"{path}: the sources are what it builds"),
        build=build,
        outputs=outputs,
    )
