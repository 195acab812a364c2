"""Check dockopt's reader against BuildKit's own test files; nothing of them is kept here.

    python bench/buildkit_testfiles.py PATH [--ref REF]

PATH is a checkout of moby/buildkit, or its git directory (bare or not). Checked are, all below
``frontend/dockerfile``:

- ``parser/testfiles/*``: instructions, flags and arguments, against the S-expressions in ``result``
- ``parser/testfiles-negative/*``: must be rejected
- ``parser/testfile-line``: first and last line of each instruction
- ``shell/wordsTest`` and ``shell/envVarTest``: word expansion, the rows for all platforms and for Unix

Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = "frontend/dockerfile"
#: First and last lines in testfile-line, as BuildKit's TestParseIncludesLineNumbers states them.
LINES = [(5, 5), (11, 12), (17, 31)]
#: The environment BuildKit's TestShellParser4EnvVars runs envVarTest with.
ENVIRONMENT = {"PWD": "/home", "SHELL": "bash", "KOREAN": "한국어", "NULL": ""}


class Sources:
    """Files of a checkout, or of a commit in a git directory."""

    def __init__(self, path: Path, ref: str) -> None:
        self.path = path
        self.ref = ref
        self.checkout = (path / ROOT).is_dir()
        if not self.checkout:
            self._git("rev-parse", "--verify", f"{ref}^{{commit}}")

    def _git(self, *arguments: str) -> bytes:
        return subprocess.run(["git", "-C", str(self.path), *arguments], check=True, capture_output=True).stdout

    def read(self, name: str) -> bytes:
        if self.checkout:
            return (self.path / ROOT / name).read_bytes()
        return self._git("show", f"{self.ref}:{ROOT}/{name}")

    def folders(self, name: str) -> list[str]:
        if self.checkout:
            return sorted(f"{name}/{entry.name}" for entry in (self.path / ROOT / name).iterdir())
        listing = self._git("ls-tree", "--name-only", f"{self.ref}:{ROOT}/{name}").decode()
        return [f"{name}/{line}" for line in sorted(listing.splitlines())]


def go_quote(text: str) -> str:
    """``text`` as Go's ``strconv.Quote`` writes it."""
    named = {
        "\a": "a",
        "\b": "b",
        "\f": "f",
        "\n": "n",
        "\r": "r",
        "\t": "t",
        "\v": "v",
        '"': '"',
        "\\": "\\",
    }
    out = []
    for char in text:
        code = ord(char)
        if char in named:
            out.append("\\" + named[char])
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif char == " " or char.isprintable():
            out.append(char)
        elif code < 0x80:
            out.append(f"\\x{code:02x}")
        else:
            out.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def sexp(instruction: Any) -> str:
    """The instruction as BuildKit's ``Node.Dump`` prints it (parser.go)."""
    name = instruction.name.lower()
    parts = [name]
    if instruction.flags:
        parts.append("[" + " ".join(go_quote(flag.text) for flag in instruction.flags) + "]")
    if name == "onbuild":
        parts.append(f"({sexp(instruction.inner)})")
    elif name in ("env", "label"):
        # BuildKit keeps the separator as a third value, empty for the legacy form.
        for pair in instruction.pairs:
            parts += map(go_quote, (pair.key, pair.value, "" if pair.legacy else "="))
    else:
        parts += map(go_quote, instruction.args)
    return " ".join(parts)


def parser_files(sources: Sources) -> Iterator[tuple[str, str]]:
    from dockopt.api import dump, load

    for folder in sources.folders("parser/testfiles"):
        data = sources.read(f"{folder}/Dockerfile")
        document = load(data)
        wanted = sources.read(f"{folder}/result").decode("utf-8", "surrogateescape").rstrip("\n").split("\n")
        got = [f"({sexp(instruction)})" for instruction in document.instructions]
        # Only what the parser itself rejects: these files are fragments, most without a FROM.
        complaints = [f"line {i.start_line}: {i.error}" for i in document.instructions if i.error]
        if dump(document) != data:
            complaints.append("dump(load(x)) != x")
        for i in range(max(len(wanted), len(got))):
            want = wanted[i] if i < len(wanted) else "nothing"
            have = got[i] if i < len(got) else "nothing"
            if want != have:
                complaints.append(f"wanted {want}\n       got {have}")
        yield folder, "\n    ".join(complaints)


def negative_files(sources: Sources) -> Iterator[tuple[str, str]]:
    from dockopt.api import load

    for folder in sources.folders("parser/testfiles-negative"):
        document = load(sources.read(f"{folder}/Dockerfile"))
        rejected = bool(document.problems) or not document.instructions
        yield folder, "" if rejected else "accepted; BuildKit rejects it"


def line_file(sources: Sources) -> Iterator[tuple[str, str]]:
    from dockopt.api import load

    document = load(sources.read("parser/testfile-line/Dockerfile"))
    got = [(i.start_line, i.end_line) for i in document.instructions]
    yield "parser/testfile-line", "" if got == LINES else f"wanted {LINES}, got {got}"


def words_table(sources: Sources) -> Iterator[tuple[str, str]]:
    from dockopt.syntax.words import ExpansionError, process_words

    environment: dict[str, str] = {}
    for number, line in enumerate(sources.read("shell/wordsTest").decode().splitlines(), 1):
        if line.startswith("#"):
            continue
        if line.startswith("ENV "):
            key, _, value = line[4:].lstrip(" ").partition("=")
            environment[key] = value
            continue
        source, _, answer = line.partition("|")
        wanted = answer.lstrip(" ").split(",")
        try:
            got = process_words(source.strip(), environment)
        except ExpansionError:
            got = ["error"]
        yield f"shell/wordsTest:{number}", "" if got == wanted else f"{source!r}: wanted {wanted}, got {got}"


def variables_table(sources: Sources) -> Iterator[tuple[str, str]]:
    from dockopt.syntax.words import ExpansionError, process_word

    for number, line in enumerate(sources.read("shell/envVarTest").decode().splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        platform, source, wanted = (cell.strip() for cell in line.strip().split("|"))
        if platform not in ("A", "U"):
            continue
        try:
            got = process_word(source, ENVIRONMENT)
        except ExpansionError:
            got = "error"
        yield (
            f"shell/envVarTest:{number}",
            "" if got == wanted else f"{source!r}: wanted {wanted!r}, got {got!r}",
        )


CHECKS: dict[str, Callable[[Sources], Iterator[tuple[str, str]]]] = {
    "parser test files": parser_files,
    "negative test files": negative_files,
    "line numbers": line_file,
    "words table": words_table,
    "variables table": variables_table,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Check dockopt's reader against BuildKit's own test files.")
    parser.add_argument("path", type=Path, help="a checkout of moby/buildkit or its git directory")
    parser.add_argument("--ref", default="HEAD", help="commit to read from a git directory (default HEAD)")
    options = parser.parse_args()
    try:
        sources = Sources(options.path, options.ref)
    except (OSError, subprocess.CalledProcessError):
        parser.error(f"{options.path}: neither a checkout nor a git directory of moby/buildkit")
    failed = 0
    for title, check in CHECKS.items():
        results = list(check(sources))
        wrong = [(name, complaint) for name, complaint in results if complaint]
        failed += len(wrong)
        print(f"{title}: {len(results) - len(wrong)} of {len(results)} agree")
        for name, complaint in wrong:
            print(f"  {name}\n    {complaint}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
