"""Write what ``dockopt fix --unsafe-fixes`` makes of the applications in ``fixtures/projects``.

    python tools/projects.py [--check] [NAME…]

Each folder holds a small application with the Dockerfile people write. Beside it stand ``Dockerfile.expected`` and,
where one is made or extended, ``dockerignore.expected``. ``--check`` writes nothing and exits 1 where they are stale.
Read the difference before it is committed: it is what users get.
"""

from __future__ import annotations

import difflib
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "transforms")]

from dockopt.engine.model import FileEdit, Outcome  # noqa: E402
from dockopt.engine.pipeline import Options, rewrite  # noqa: E402
from dockopt.facts.outside import Outside  # noqa: E402

PROJECTS = ROOT / "fixtures" / "projects"


def projects() -> list[pathlib.Path]:
    """The applications' folders."""
    return sorted(path.parent for path in PROJECTS.glob("*/Dockerfile"))


def fixed(project: pathlib.Path, data: bytes, options: Options, files: tuple[FileEdit, ...] = ()) -> Outcome:
    """What becomes of a Dockerfile in a copy of its project; paths of other files are relative to it.

    A copy, since this repository's own remote and ignore files are no part of the project.

    :param files: what an earlier run wrote beside it.
    """
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place).resolve() / project.name
        shutil.copytree(project, root, ignore=shutil.ignore_patterns("*.expected"))
        (root / "Dockerfile").write_bytes(data)
        for edit in files:
            (root / edit.path).write_bytes(edit.after)
        outcome = rewrite(data, options, Outside(str(root / "Dockerfile")))
        shown = [edit._replace(path=pathlib.Path(edit.path).relative_to(root).as_posix()) for edit in outcome.files]
        return outcome._replace(files=tuple(shown))


def expected(project: pathlib.Path) -> dict[str, bytes]:
    """The files that must stand in the project, by name."""
    outcome = fixed(project, (project / "Dockerfile").read_bytes(), Options(unsafe=True))
    made = {"Dockerfile.expected": outcome.after}
    made.update((f"{edit.path.lstrip('.')}.expected", edit.after) for edit in outcome.files)
    return made


def committed(project: pathlib.Path) -> dict[str, bytes]:
    """The files that do stand there."""
    return {path.name: path.read_bytes() for path in sorted(project.glob("*.expected"))}


def main() -> int:
    words = sys.argv[1:]
    wanted = {word for word in words if not word.startswith("-")}
    stale = False
    for project in projects():
        if wanted and project.name not in wanted:
            continue
        new, old = expected(project), committed(project)
        for name in sorted(new.keys() | old.keys()):
            if new.get(name) == old.get(name):
                continue
            stale = True
            print(f"{project.name}/{name}")
            before, after = (texts.get(name, b"").decode().splitlines() for texts in (old, new))
            print("\n".join(list(difflib.unified_diff(before, after, lineterm=""))[2:]))
            if "--check" in words:
                continue
            if name in new:
                (project / name).write_bytes(new[name])
            else:
                (project / name).unlink()
    return int(stale and "--check" in words)


if __name__ == "__main__":
    sys.exit(main())
