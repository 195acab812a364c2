"""Prove the rewrite of whole projects by building them, and print what came of it as a Markdown table.

    python bench/projects.py fixtures/projects                         # on standard output
    python bench/projects.py fixtures/projects --measure --write docs/verify.md
    python bench/projects.py ~/checkouts --stand-ins                   # for engines without a registry

Each Dockerfile goes through what ``dockopt fix --unsafe-fixes --verify`` does, but nothing is written. ``--measure``
also builds each side without cache, and once more after one line of a source file has changed. A ``projects.toml``
beside the projects says what to ask the running application, and what is its source; see the one of ``fixtures``.
With ``--stand-ins`` base images the engine lacks are replaced by some it has, see ``tests/build/fixtures.py``.
"""

# ruff: noqa: E402 - the path comes first
from __future__ import annotations

import argparse
import fnmatch
import pickle
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "transforms")]

from dockopt.build.behave import RunSettings
from dockopt.build.engine import BuildFailed, BuildSettings, Engine, EngineProblem
from dockopt.build.measure import ContextCopy
from dockopt.build.session import Handled, Request, handle, targets
from dockopt.build.verify import Prover, Target, with_files
from dockopt.engine.pipeline import Options, rewrite
from dockopt.facts.context import Outside
from dockopt.report.units import change, duration, size
from dockopt.workspace.discovery import find
from dockopt.workspace.run import Job, Result, Task
from tests.build.fixtures import get, images_of, stand_in

#: What stand-ins lack of the images they stand for: instructions by the name of the image.
COMPLETED = {
    # Debian's modules, which pip cannot replace, and the official image has not.
    "python:*": b"RUN rm -rf /usr/lib/python3/dist-packages/packaging*\n",
    "node:*": b"RUN npm install --global yarn@1.22.22\n",
    "ruby:*": b"""\
ENV GEM_HOME=/usr/local/bundle BUNDLE_SILENCE_ROOT_WARNING=1 BUNDLE_APP_CONFIG=/usr/local/bundle
ENV PATH=$GEM_HOME/bin:$PATH
RUN mkdir -m 1777 $GEM_HOME
""",
}

BEGIN, END = "<!-- made by bench/projects.py -->", "<!-- end -->"


class Times(NamedTuple):
    """One side: seconds, and what a rebuild after the change of a source file carried out again."""

    cold: float  #: without cache, base images at hand
    rebuild: float
    reran: tuple[str, ...]


class Done(NamedTuple):
    """One project."""

    about: dict[str, Any]  #: its part of ``projects.toml``
    handled: Handled
    times: tuple[Times, Times] | None = None  #: before, after
    missing: str = ""  #: the base image that cannot be had here


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="+", help="folders or Dockerfiles")
    parser.add_argument("--network", default="host", help="of builds, and of containers nothing is asked")
    parser.add_argument("--safe", action="store_true", help="safe fixes only")
    parser.add_argument("--stand-ins", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--resume", type=Path, help="a file for what is done, to go on from after an interruption")
    parser.add_argument("--write", type=Path, help="replace the table in this file")
    arguments = parser.parse_args()

    done: list[Done] = []
    if arguments.resume is not None and arguments.resume.is_file():
        done = pickle.loads(arguments.resume.read_bytes())
    files = find(tuple(arguments.paths), lambda *_: False).files
    with Engine() as engine:
        for number, path in enumerate(files, 1):
            if any(each.handled.result.path == path for each in done):
                continue
            about = _about(Path(path))
            with tempfile.TemporaryDirectory() as place:
                # What is only there to be compared with is no part of a project.
                where = _without_expected(path, place) if about else path
                one = _project(engine, where, about, arguments)
            one = one._replace(handled=one.handled._replace(result=one.handled.result._replace(path=path)))
            done.append(one)
            if arguments.resume is not None:
                arguments.resume.write_bytes(pickle.dumps(done))
            error = one.missing or one.handled.result.error
            print(f"{number}/{len(files)} {path}: {error or 'proven'}", file=sys.stderr)
            proof = one.handled.proof
            if proof is not None and proof.problem:
                print("  " + "\n  ".join(proof.log), file=sys.stderr)
            for dropped in proof.dropped if proof is not None else ():
                names = ", ".join(f"{entry.transform}, line {entry.start_line}" for entry in dropped.entries)
                print(
                    f"  left out: {names}",
                    *dropped.failure.reasons,
                    *dropped.failure.log,
                    sep="\n    ",
                    file=sys.stderr,
                )
            for note in proof.notes if proof is not None else ():
                print(f"  {note}", file=sys.stderr)
    done.sort(key=lambda one: one.handled.result.path)
    table = "\n".join(lines(done))
    if arguments.write is None:
        print(table)
    else:
        text = arguments.write.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        arguments.write.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}", encoding="utf-8")
    tried = [one for one in done if not one.missing]
    proofs = [one.handled.proof for one in tried if one.handled.proof is not None]
    return 0 if all(proof.proven and not proof.dropped for proof in proofs) and len(proofs) == len(tried) else 1


def _without_expected(path: str, place: str) -> str:
    """A copy of a project, in which its Dockerfile stands."""
    folder = Path(path).parent
    shutil.copytree(folder, Path(place) / folder.name, ignore=shutil.ignore_patterns("*.expected"))
    return str(Path(place) / folder.name / Path(path).name)


def _project(engine: Engine, path: str, about: dict[str, Any], arguments: argparse.Namespace) -> Done:
    options = Options(unsafe=not arguments.safe)
    data = Path(path).read_bytes()
    outcome = rewrite(data, options, Outside(path))
    contexts: dict[str, str] = {}
    # A rewrite may name other images than the original.
    for image in dict.fromkeys((*images_of(data), *images_of(outcome.after))):
        other: str | None = image
        if not engine.has_image(image):
            other = stand_in(image, alpine=True) if arguments.stand_ins else None
        if other is None or not engine.has_image(other):
            return Done(about, Handled(Result(path)), missing=f"there is no image `{image}`")
        if arguments.stand_ins:
            other = _completed(engine, image, other)
        if other != image:
            contexts[image] = f"docker-image://{other}"
    build = BuildSettings(network=arguments.network, build_contexts=tuple(contexts.items()), timeout=900)
    asks = tuple(get(about["port"], each) for each in about.get("paths", ()))
    # On a network of its own a container finds its port free, whatever runs beside.
    request = Request(build, RunSettings(asks, network="none" if asks else arguments.network))
    try:
        handled = handle(Job(path, options), Task(), Prover(engine), request)
        times = None
        if arguments.measure and handled.proof is not None and handled.proof.proven:
            way = targets(path, data, engine, request)[0][0]
            after = with_files(way, handled.proof.outcome.files)
            times = (
                _times(engine, path, data, way, about),
                _times(engine, path, handled.proof.outcome.after, after, about),
            )
    except (EngineProblem, BuildFailed) as problem:
        return Done(about, Handled(Result(path, error=str(problem))))
    return Done(about, handled, times)


def _times(engine: Engine, path: str, dockerfile: bytes, target: Target, about: dict[str, Any]) -> Times:
    copy = ContextCopy.of(path, target, about.get("touch"))
    if copy is None:
        raise EngineProblem("its context cannot be copied")
    try:
        cold = engine.build(dockerfile, copy.folder, target.build, ignore=target.ignore, cache=False)
        copy.change()
        rebuilt = engine.build(dockerfile, copy.folder, target.build, ignore=target.ignore)
    finally:
        copy.remove()
    for built in (cold, rebuilt):
        engine.remove_image(built.reference)
    return Times(cold.seconds, rebuilt.seconds, rebuilt.ran)


def _completed(engine: Engine, image: str, other: str) -> str:
    """An image that stands for another, with what it lacks."""
    for name, lines in COMPLETED.items():
        if fnmatch.fnmatchcase(image, name):
            with tempfile.TemporaryDirectory() as empty:
                return engine.build(f"FROM {other}\n".encode() + lines, empty, BuildSettings(network="host")).reference
    return other


def _about(dockerfile: Path) -> dict[str, Any]:
    table = dockerfile.parent.parent / "projects.toml"
    if not table.is_file():
        return {}
    found: dict[str, Any] = tomllib.loads(table.read_text(encoding="utf-8")).get(dockerfile.parent.name, {})
    return found


def lines(done: list[Done]) -> Iterator[str]:
    """The table, and what it comes to."""
    measured = any(one.times is not None for one in done)
    times = "cold build | rebuild | dependencies |" if measured else "build |"
    yield f"| project | changes | left out | image size | | layers | {times} runs as | health | answers |"
    yield f"|---|---:|---|---:|---:|---:|{'---:|---:|---|' if measured else '---:|'}---|---|---|"
    for one in done:
        proof = one.handled.proof
        if proof is not None and proof.before is not None:
            yield _row(one, measured)
    yield ""
    yield _sum(done)
    apart = [(one.handled.result.path, one.missing or one.handled.result.error or "") for one in done]
    apart = [(path, why) for path, why in apart if why]
    if apart:
        yield ""
        yield "Not built here:"
        yield ""
        for path, why in apart:
            yield f"- {_name(path)}: {why.split(chr(10))[0]}"


def _row(one: Done, measured: bool) -> str:
    proof = one.handled.proof
    assert proof is not None and proof.before is not None
    before, after = proof.before, proof.after or proof.before
    cells = [
        _name(one.handled.result.path),
        str(sum(entry.kind == "applied" for entry in proof.outcome.entries)),
        ", ".join(entry.transform for dropped in proof.dropped for entry in dropped.entries) or "-",
        f"{size(before.size)} → {size(after.size)}",
        change(before.size, after.size),
        f"{before.layers} → {after.layers}",
    ]
    if not measured:
        cells.append(f"{duration(before.seconds)} → {duration(after.seconds)}")
    elif one.times is None:
        cells += ["", "", ""]
    else:
        old, new = one.times
        cells.append(f"{duration(old.cold)} → {duration(new.cold)}")
        cells.append(f"{duration(old.rebuild)} → {duration(new.rebuild)}")
        cells.append(_dependencies(one.about.get("install", ()), old.reran, new.reran))
    answers = "-"
    if before.behaviour is not None and before.behaviour.answers and after.behaviour is not None:
        same = before.behaviour.answers == after.behaviour.answers
        answered = all(code == 0 for code, _ in before.behaviour.answers)
        answers = ("the same" if same else "others") if answered else "none"
    cells += [after.user or "root", after.behaviour.health or "-" if after.behaviour is not None else "-", answers]
    return f"| {' | '.join(cells)} |"


def _name(path: str) -> str:
    return Path(path).parent.name if Path(path).name == "Dockerfile" else path


def _dependencies(install: list[str], before: tuple[str, ...], after: tuple[str, ...]) -> str:
    """Whether a rebuild installs again: before, after."""

    def how(steps: tuple[str, ...]) -> str:
        again = [step for step in steps if any(word in step for word in install)]
        return "again" if again else "CACHED"

    return f"{how(before)} → {how(after)}" if install else "none"


def _sum(done: list[Done]) -> str:
    proofs = [one.handled.proof for one in done if one.handled.proof is not None]
    built = [proof for proof in proofs if proof.before is not None]
    proven = [proof for proof in built if proof.proven]
    left = sum(len(dropped.entries) for proof in built for dropped in proof.dropped)
    old, new = (sum(getattr(proof, side).size for proof in proven) for side in ("before", "after"))
    gain = f" {size(old)} became {size(new)} ({change(old, new)})." if proven else ""
    return (
        f"{len(done)} Dockerfiles tried, {len(built)} built before, {len(proven)} built and proven after,"
        f" {left} changes left out.{gain}"
    )


if __name__ == "__main__":
    sys.exit(main())
