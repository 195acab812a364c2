"""Many files through the engine: one at a time or on all cores, none able to stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from dockopt.engine.model import Entry, FileEdit, Outcome
from dockopt.engine.pipeline import Options, preload, rewrite
from dockopt.facts.outside import Outside
from dockopt.workspace.read import FileProblem, Overtaken, Source, check_text, read

#: Below this many files a second process costs more than it saves.
PARALLEL_FROM = 16

#: How often a file is looked at while others' fixes write what its own would write too: one ``.dockerignore`` for two.
_TRIES = 5

#: What standard input is called in a diff, so that ``patch`` finds the file it mostly is.
STDIN_NAME = "Dockerfile"


class Job(NamedTuple):
    """One file to handle."""

    path: str
    options: Options
    context: str | None = None  #: the build context the user named; None: found from the files around
    online: tuple[str, ...] | None = None  #: see :attr:`Outside.online`

    @property
    def outside(self) -> Outside:
        """Where the file stands."""
        return Outside(self.path, self.context, online=self.online)


class Task(NamedTuple):
    """What to do with each file besides looking."""

    write: bool = False  #: replace it
    diff: bool = False  #: make a diff
    colour: bool = False  #: with ANSI escapes


class FileChange(NamedTuple):
    """Another file that a Dockerfile's fixes make or change."""

    path: str  #: relative to the current folder where it is in it, else absolute
    created: bool
    diff: bytes = b""


class Result(NamedTuple):
    """What came of one file."""

    path: str  #: as given; ``-`` for standard input
    changed: bool = False  #: its text or another file's differs (and, where asked to, was written)
    entries: tuple[Entry, ...] = ()
    diff: bytes = b""
    error: str | None = None  #: one line without the path (with DOCKOPT_DEBUG=1 a traceback follows)
    error_line: int = 0  #: 1-based; 0: none
    output: bytes = b""  #: the rewritten text, for standard input only
    files: tuple[FileChange, ...] = ()  #: other files that change with it
    warnings: tuple[str, ...] = ()  #: see :attr:`Outcome.warnings`
    remarks: tuple[tuple[int, str], ...] = ()  #: see :attr:`Outcome.remarks`


def run(jobs: Sequence[Job], task: Task, progress: Callable[[int], None] | None = None) -> list[Result]:
    """Handle all jobs; the results come in the jobs' order.

    :param progress: called now and then with the number of files done.
    """
    results: list[Result | None] = [None] * len(jobs)
    for done, (index, result) in enumerate(_spread(jobs, task), 1):
        results[index] = result
        if progress is not None:
            progress(done)
    return [result for result in results if result is not None]


def unanswered(onlines: Iterable[tuple[str, ...] | None]) -> tuple[str, ...]:
    """The registries that this process could not ask, by the mirrors of each job; see :attr:`Outcome.warnings`."""
    asked = {online for online in onlines if online is not None}
    if not asked:
        return ()
    from dockopt.facts.online.images import registries

    return tuple(line for online in sorted(asked) for line in registries(online).problems)


def handle(job: Job, task: Task) -> Result:
    """Rewrite one file. Never raises but for ctrl-C: what goes wrong is in the result."""
    error = ""
    for _ in range(_TRIES):
        try:
            source = read(job.path)
            outcome = rewrite(source.data, job.options, job.outside)
            result = rewritten(job.path, outcome, task)
            if task.write and result.changed:
                write(source, outcome)
            return result._replace(output=b"")
        except Overtaken as problem:
            error = str(problem)
        except FileProblem as problem:
            return Result(job.path, error=str(problem))
        except Exception as problem:
            return Result(job.path, error=_internal(problem))
    return Result(job.path, error=error)


def handle_bytes(data: bytes, options: Options, task: Task, online: tuple[str, ...] | None = None) -> Result:
    """Rewrite standard input; the result carries the text."""
    try:
        check_text("-", data)
        return rewritten("-", rewrite(data, options, Outside(online=online)), task)
    except FileProblem as problem:
        return Result("-", error=str(problem))
    except Exception as error:
        return Result("-", error=_internal(error))


def rewritten(path: str, outcome: Outcome, task: Task) -> Result:
    """The result of a rewrite, with its diff where ``task`` asks for one; nothing is written."""
    if outcome.error is not None:
        return Result(path, entries=outcome.entries, error=outcome.error, error_line=outcome.error_line)
    diff = b""
    if task.diff and outcome.after != outcome.before:
        from dockopt.report.diff import header_path, unified

        name = STDIN_NAME if path == "-" else header_path(path)
        diff = unified(outcome.before, outcome.after, name, outcome.entries, colour=task.colour)
    files = tuple(_change(edit, task) for edit in outcome.files)
    return Result(
        path,
        outcome.changed,
        outcome.entries,
        diff,
        output=outcome.after,
        files=files,
        warnings=outcome.warnings,
        remarks=outcome.remarks,
    )


def _change(edit: FileEdit, task: Task) -> FileChange:
    from dockopt.report.diff import header_path, unified

    here = os.getcwd().rstrip(os.sep) + os.sep
    shown = edit.path[len(here) :] if edit.path.startswith(here) else edit.path
    diff = unified(edit.before, edit.after, header_path(edit.path), colour=task.colour) if task.diff else b""
    return FileChange(shown, edit.before is None, diff)


def write(source: Source, outcome: Outcome) -> None:
    """Write all that an outcome changes, or nothing.

    :raises FileProblem: where that is not possible.
    """
    from dockopt.workspace.write import put, replace

    undo: list[Callable[[], None]] = []
    try:
        for edit in outcome.files:
            try:
                undo.append(put(edit.path, edit.before, edit.after))
            except FileProblem as problem:
                name = os.path.basename(edit.path)
                raise type(problem)(source.path, f"was left alone: its {name} {problem}") from None
        if outcome.after != outcome.before:
            replace(source, outcome.after)
    except FileProblem:
        for take_back in reversed(undo):
            take_back()
        raise


def _internal(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    line = f"internal error, nothing was changed; please report it with the file ({text})"
    if os.environ.get("DOCKOPT_DEBUG") == "1":
        import traceback

        line += "\n" + "".join(traceback.format_exception(error)).rstrip()
    return line


def _spread(jobs: Sequence[Job], task: Task) -> Iterator[tuple[int, Result]]:
    from dockopt.workspace import pool

    workers = min(pool.cores(), len(jobs) * 2 // PARALLEL_FROM)
    if workers < 2:
        for index, job in enumerate(jobs):
            yield index, handle(job, task)
        return

    def work(job: Job) -> bytes:
        result = handle(job, task)
        if job.options.acting_only:
            return _packed(result)
        import pickle

        return pickle.dumps(result, pickle.HIGHEST_PROTOCOL)

    if pool.can_fork():
        import gc

        for options in {job.options for job in jobs}:
            preload(options)
        if any(job.online is not None for job in jobs):
            import dockopt.facts.online.images  # noqa: F401
        # What is loaded by now lives as long as the process: the workers' collector need not look at it, nor
        # touch, and thereby copy, the pages it lies on. A tenth of their time.
        gc.freeze()
        for index, answer in pool.forked(work, jobs, workers):
            if answer is None:
                result = Result(jobs[index].path, error=_DIED)
            elif jobs[index].options.acting_only:
                result = _unpacked(answer)
            else:
                import pickle

                result = pickle.loads(answer)
            yield index, result
    else:
        for index, spawned in pool.spawned(handle, [(job, task) for job in jobs], workers):
            yield index, spawned or Result(jobs[index].path, error=_DIED)


def _packed(result: Result) -> bytes:
    """What the report of a plain fix draws from. Sending the rest to the parent would take longer than a proof."""
    import marshal  # of plain tuples; importing pickle costs more than what it would send

    told = [tuple(entry)[:7] for entry in result.entries if entry.kind in ("applied", "defect")]  # no evidence, effects
    plain = result._replace(entries=tuple(told), files=tuple(map(tuple, result.files)))  # type: ignore[arg-type]
    return marshal.dumps(tuple(plain))


def _unpacked(data: bytes) -> Result:
    """What :func:`_packed` made."""
    import marshal

    plain = Result(*marshal.loads(data))
    entries = tuple([Entry(*entry) for entry in plain.entries])
    return plain._replace(entries=entries, files=tuple([FileChange(*file) for file in plain.files]))


_DIED = "internal error: its process died; please report it with the file"
