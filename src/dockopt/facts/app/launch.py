"""What a container of the final stage runs, and which file of the build context a path in the image is."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import Launch
from dockopt.facts.packages import base_name
from dockopt.facts.stages import Stage
from dockopt.facts.value import Known, Unknown
from dockopt.shell.script import Command, parse_script
from dockopt.syntax.grammar import GrammarError, parse_json
from dockopt.syntax.nodes import Instruction
from dockopt.syntax.words import expand_known

if TYPE_CHECKING:
    from dockopt.facts.context import Context
    from dockopt.facts.facts import Facts
    from dockopt.facts.state import State

_MAX_SCRIPTS = 3
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^${}]*))?\}|(\w+))")


class ImageFiles:
    """The files of an image as far as COPY and ADD put them there from the context."""

    def __init__(self, facts: Facts, context: Context) -> None:
        self.facts = facts
        self.context = context

    def find(self, path: str, stage: Stage, before: Instruction | None = None) -> str | None:
        """The context's name of an absolute path in a stage, None where no COPY (up to ``before``) put it there."""
        return self._find(posixpath.normpath(path), stage, 0, before)

    def _find(self, path: str, stage: Stage, depth: int, before: Instruction | None = None) -> str | None:
        if depth > 8:
            return None
        end = next((i for i, node in enumerate(stage.instructions) if node is before), None)
        for node in reversed(stage.instructions[:end]):
            if node.name in ("COPY", "ADD"):
                found = self._copied(node, path, depth)
                if found is not None:
                    return found
        return self._find(path, stage.parent, depth + 1) if stage.parent is not None else None

    def _copied(self, node: Instruction, path: str, depth: int) -> str | None:
        state = self.facts.state(node)
        words = [expand_known(word, state.env, node.escape) for word in node.args]
        if len(words) < 2 or words[-1] is None:
            return None
        target = _absolute(words[-1], state)
        if target is None or not (path == target or path.startswith(target.rstrip("/") + "/")):
            return None
        rest = path[len(target.rstrip("/")) + 1 :] if path != target else ""
        folder = words[-1].endswith(("/", "/.")) or words[-1] == "." or len(words) > 2
        origin = node.flag("from")
        other = self.facts.stages.find(origin.value) if origin is not None and origin.value else None
        if origin is not None and other is None:
            return None
        for source in words[:-1]:
            if source is None:
                continue
            found = (
                self._from_stage(source, rest, folder, other, depth)
                if other is not None
                else self._from_context(source, rest, folder)
            )
            if found is not None:
                return found
        return None

    def _from_stage(self, source: str, rest: str, folder: bool, stage: Stage, depth: int) -> str | None:
        if any(ch in source for ch in "*?["):
            return None
        plain = "/" + source.lstrip("/")
        if not rest:
            return self._find(plain, stage, depth + 1)
        inner = self._find(posixpath.join(plain, rest), stage, depth + 1)
        if inner is None and folder and posixpath.basename(plain) == rest:
            inner = self._find(plain, stage, depth + 1)
        return inner

    def _from_context(self, source: str, rest: str, folder: bool) -> str | None:
        matched = self.context.sources(source)
        for name in matched.value if isinstance(matched, Known) else ():
            if self.context.is_dir(name):
                candidate: str = posixpath.normpath(posixpath.join(name, rest)) if rest else name
                if self.context.exists(candidate):
                    return candidate
            elif rest == posixpath.basename(name) or not (rest or folder):
                return str(name)
        return None


def _absolute(path: str, state: State) -> str | None:
    if path.startswith("/"):
        return posixpath.normpath(path)
    if not isinstance(state.workdir, Known):
        return None
    return posixpath.normpath(posixpath.join(state.workdir.value, path))


class Starter:
    """Finds the command that starts the final stage."""

    def __init__(self, facts: Facts, context: Context | None) -> None:
        self.facts = facts
        self.context = context
        self.scripts: list[str] = []
        self.files = ImageFiles(facts, context) if context is not None else None

    def launch(self) -> Known[Launch] | Unknown:
        stages = self.facts.stages.all
        if not stages:
            return Unknown("there is no stage")
        stage = stages[-1]
        end = self.facts.states.of_stage(stage).end
        entry, entry_where = self._last(stage, "ENTRYPOINT")
        cmd, cmd_where = self._last(stage, "CMD")
        image = self.facts.base_image(stage)
        said = bool(entry_where or cmd_where)
        if entry is None and entry_where == "":
            if image is not None and image.entrypoint == "?":
                return Unknown(f"the ENTRYPOINT of {image.reference} is not known")
            entry = _from_table(image.entrypoint) if image is not None else None
            entry_where = f"ENTRYPOINT of {image.reference}" if entry and image is not None else ""
            if cmd is None and cmd_where == "" and image is not None:
                cmd = _from_table(image.cmd) if image.cmd != "?" else None
                cmd_where = f"CMD of {image.reference}" if cmd else ""
        workdir = end.workdir
        env: dict[str, str | None] = {**(image.env if image is not None else {}), **end.env}
        if not said and image is not None and isinstance(workdir, Known) and _types(entry, cmd):
            # The image says nothing of its own, and its base only that somebody may type.
            found = self._only_process(workdir.value, env, stage)
            if found is not None:
                return found
        if entry is None and cmd is None:
            return Unknown("there is no CMD or ENTRYPOINT")
        if not isinstance(workdir, Known):
            return Unknown(workdir.reason)
        if isinstance(entry, str):
            return self._script(entry, env, workdir.value, entry_where, (), stage, 0, None)
        if isinstance(entry, tuple) and entry:
            after = cmd if isinstance(cmd, tuple) else ("/bin/sh", "-c", cmd) if isinstance(cmd, str) else ()
            where = f"{entry_where} and {cmd_where}" if after else entry_where
            return self._words((*entry, *after), env, workdir.value, where, (), stage, 0)
        if isinstance(cmd, str):
            return self._script(cmd, env, workdir.value, cmd_where, (), stage, 0, None)
        return self._words(cmd or (), env, workdir.value, cmd_where, (), stage, 0)

    def _only_process(self, cwd: str, env: dict[str, str | None], stage: Stage) -> Known[Launch] | Unknown | None:
        """The command of a Procfile with one process; None where there is no Procfile."""
        name = self._locate(posixpath.join(cwd, "Procfile"), cwd, stage)
        if name is None or self.context is None:
            return None
        from dockopt.facts.app import procfile

        processes = procfile.read(self.context, name)
        if isinstance(processes, Unknown):
            return Unknown(f"there is no CMD or ENTRYPOINT, and {processes.reason}")
        process = procfile.chosen(processes.value, "", name)
        if isinstance(process, Unknown):
            return Unknown(f"there is no CMD or ENTRYPOINT, and {process.reason}")
        # Whoever runs it chooses PORT.
        return self._script(
            process.command, {**env, "PORT": env.get("PORT")}, cwd, f"{name}: {process.name}", (), stage, 1, None
        )

    def _run_by(
        self, program: str, words: tuple[str, ...], env: dict[str, str | None], cwd: str, where: str, wrappers: tuple[str, ...], stage: Stage,
        depth: int,
    ) -> Known[Launch] | Unknown:  # fmt: skip
        """The process of a Procfile that foreman, honcho or the like start."""
        from dockopt.facts.app import procfile

        asked = procfile.request(program, words)
        if isinstance(asked, Unknown):
            return Unknown(f"{where}: {asked.reason}")
        name = self._locate(posixpath.join(cwd, asked.file), cwd, stage)
        if name is None or self.context is None:
            return Unknown(f"{where} runs {asked.file}, which is no file of the build context")
        processes = procfile.read(self.context, name)
        if isinstance(processes, Unknown):
            return Unknown(f"{where}: {processes.reason}")
        process = procfile.chosen(processes.value, asked.process, name)
        if isinstance(process, Unknown):
            return Unknown(f"{where}: {process.reason}")
        first = asked.port or env.get("PORT", "")
        if self._locate(posixpath.join(cwd, ".env"), cwd, stage) is not None:
            first = None  # it is read first, and may set PORT
        return self._script(
            process.command,
            {**env, "PORT": procfile.port_of(process, first)},
            cwd,
            f"{where}, {name}: {process.name}",
            (*wrappers, program),
            stage,
            depth + 1,
            None,
        )

    def _last(self, stage: Stage, name: str) -> tuple[tuple[str, ...] | str | None, str]:
        """The last CMD or ENTRYPOINT of a stage and its parents: words, a script, None for none; and where."""
        for member in stage.chain:
            for node in reversed(member.instructions):
                if node.name == name:
                    where = f"line {node.start_line}: {name}"
                    return (node.json if node.json is not None else node.rest), where
        return None, ""

    def _words(
        self,
        words: tuple[str, ...],
        env: dict[str, str | None],
        cwd: str,
        where: str,
        wrappers: tuple[str, ...],
        stage: Stage,
        depth: int,
    ) -> Known[Launch] | Unknown:
        """The command of an argument list, through its wrappers and the scripts of the context."""
        words, more = unwrap(words)
        wrappers += more
        if not words:
            return Unknown(f"{where}: no command is left behind {' '.join(wrappers) or 'it'}")
        program = base_name(words[0])
        if program in ("sh", "bash", "ash", "dash", "zsh") and len(words) > 1:
            flags = [word for word in words[1:] if word.startswith("-")]
            if len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):
                return self._script(words[2], env, cwd, where, wrappers, stage, depth, None)
            rest = [word for word in words[1:] if word not in flags]
            if rest:
                return self._file(rest[0], tuple(rest[1:]), env, cwd, where, wrappers, stage, depth)
        if program in _PASSING and self._locate(words[0], cwd, stage) is None:
            return self._passed(program, words[1:], env, cwd, where, wrappers, stage, depth)
        if program in _RUNNERS and len(words) > 1:
            return self._run_by(program, words[1:], env, cwd, where, wrappers, stage, depth)
        if program.endswith(".sh") or (program not in _PROGRAMS and self._is_script(words[0], cwd, stage)):
            return self._file(words[0], words[1:], env, cwd, where, wrappers, stage, depth)
        return Known(Launch(words, env, cwd, where, wrappers, tuple(self.scripts)), where)

    def _passed(
        self, program: str, words: tuple[str, ...], env: dict[str, str | None], cwd: str, where: str, wrappers: tuple[str, ...], stage: Stage,
        depth: int,
    ) -> Known[Launch] | Unknown:  # fmt: skip
        """What an official image's entrypoint makes of its arguments: it runs them, in the end."""
        image = self.facts.base_image(stage)
        name = image.name if image is not None else ""
        if image is not None and image.online:
            return Unknown(f"{where}: what {program} of {image.reference} makes of its command is not known")
        if not words:
            return Unknown(f"{where}: {program} is given no command")
        # Node's and PHP's put the interpreter before what is a flag or, Node's, no command.
        if name in ("node", "php") and (
            words[0].startswith("-") or (name == "node" and words[0].endswith((".js", ".mjs", ".cjs")))
        ):
            words = (name, *words)
        return self._words(words, env, cwd, where, (*wrappers, program), stage, depth + 1)

    def _is_script(self, word: str, cwd: str, stage: Stage) -> bool:
        name = self._locate(word, cwd, stage)
        if name is None or self.context is None:
            return False
        text = self.context.text(name)
        return isinstance(text, Known) and re.match(r"#!.*\b(ba|da|a|z)?sh\b", text.value) is not None

    def _locate(self, word: str, cwd: str, stage: Stage) -> str | None:
        if self.files is None:
            return None
        if "/" in word or word.endswith(".sh"):
            found = self.files.find(posixpath.join(cwd, word), stage)
            if found is not None or "/" in word:
                return found
        for folder in ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin"):
            found = self.files.find(posixpath.join(folder, word), stage)
            if found is not None:
                return found
        return None

    def _file(
        self, word: str, args: tuple[str, ...], env: dict[str, str | None], cwd: str, where: str, wrappers: tuple[str, ...], stage: Stage,
        depth: int,
    ) -> Known[Launch] | Unknown:  # fmt: skip
        name = self._locate(word, cwd, stage)
        if name is None or self.context is None:
            return Unknown(f"{where} runs {word}, which is no file of the build context")
        text = self.context.text(name)
        if isinstance(text, Unknown):
            return Unknown(f"{where} runs {word}: {text.reason}")
        self.scripts.append(name)
        return self._script(text.value, env, cwd, f"{where}, {name}", wrappers, stage, depth + 1, args)

    def _script(
        self, text: str, env: dict[str, str | None], cwd: str, where: str, wrappers: tuple[str, ...], stage: Stage, depth: int,
        args: tuple[str, ...] | None,
    ) -> Known[Launch] | Unknown:  # fmt: skip
        """The last command of a script, which is what keeps running."""
        if depth > _MAX_SCRIPTS:
            return Unknown(f"{where}: scripts lead through more scripts than dockopt follows")
        script = parse_script(text)
        if script.error or not script.items:
            return Unknown(f"{where}: the script does not parse")
        last = script.items[-1]
        if last.kind != "command" or last.operator == "||":
            return Unknown(
                f"{where}: the script ends in {'an alternative' if last.operator == '||' else last.kind.replace('_', ' ')}"
            )
        if text[last.end :].strip().startswith("&"):
            return Unknown(f"{where}: the script ends in a background command")
        env = dict(env)
        final: Command | None = None
        for command in script.commands:
            if command.start == last.start or (last.start <= command.start and command.end <= last.end):
                final = command
            elif command.name == "cd" and command.top and len(command.words) > 1:
                target = command.words[1].value
                if target is None:
                    return Unknown(f"{where}: the script changes to a folder only the run knows")
                cwd = posixpath.normpath(posixpath.join(cwd, target))
            elif command.name == "export" and command.top:
                for word in command.words[1:]:
                    key, equals, value = (word.value if word.value is not None else word.text).partition("=")
                    if equals:
                        env[key] = self._expand(value, env)
            elif not command.words:
                for word in command.assignments:
                    key, _, value = (word.value if word.value is not None else word.text).partition("=")
                    env[key] = self._expand(value, env)
        if final is None:
            return Unknown(f"{where}: the script ends in no plain command")
        for word in final.assignments:
            key, _, value = (word.value if word.value is not None else word.text).partition("=")
            env[key] = self._expand(value, env)
        words: list[str] = []
        for word in final.words:
            if word.text in ('"$@"', "$@", "$*", '"$*"'):
                if args is None:
                    return Unknown(f"{where}: the script runs its arguments, of which there are none")
                words += args
                continue
            plain = word.text if "'" in word.text else word.text.replace('"', "")
            value_ = word.value if word.value is not None else self._expand(plain, env)
            # What only the run knows is kept as written: who reads the argument list sees the ``$``.
            words.append(value_ if value_ is not None else plain)
        return self._words(tuple(words), env, cwd, where, wrappers, stage, depth)

    def _expand(self, text: str, env: dict[str, str | None]) -> str | None:
        """A word with its ``$NAME`` and ``${NAME:-default}`` replaced, None where one has no known value."""
        missing = False

        def one(match: re.Match[str]) -> str:
            nonlocal missing
            value = env.get(match[1] or match[3])
            if value is None:
                value = match[2]
            if value is None:
                missing = True
            return value or ""

        out = _VARIABLE.sub(one, text)
        return None if missing or "$" in out or "`" in out else out.strip('"')


def _from_table(text: str) -> tuple[str, ...] | str | None:
    if not text:
        return None
    if text.startswith("sh:"):
        return text[3:]
    try:
        words = parse_json(text)
    except GrammarError:
        return None
    return words or None


# Entrypoints of official images: each ends in ``exec "$@"``.
_PASSING = frozenset(
    (
        "docker-entrypoint.sh",
        "docker-php-entrypoint",
        "__cacert_entrypoint.sh",
        "mvn-entrypoint.sh",
        "nvidia_entrypoint.sh",
    )
)
# Programs that are never shell scripts of the project, so that no file is looked for.
_PROGRAMS = frozenset(
    (
        "python", "python3", "uvicorn", "gunicorn", "hypercorn", "daphne", "flask", "fastapi", "node", "npm", "yarn", "pnpm", "npx", "java",
        "dotnet", "ruby", "bundle", "php", "php-fpm", "nginx", "apache2-foreground", "go",
    )
)  # fmt: skip


# Run what a Procfile names; see dockopt.facts.app.procfile.
_RUNNERS = frozenset(("honcho", "foreman", "forego", "goreman"))
# What official images start where nobody says what: something to type into.
_INTERACTIVE = frozenset(("python", "python3", "node", "irb", "php", "bash", "sh", "ash", "jshell", "gradle", "mvn"))


def _types(entry: tuple[str, ...] | str | None, cmd: tuple[str, ...] | str | None) -> bool:
    """Whether what an image starts by itself is a shell or an interpreter without a program, or nothing."""
    words = tuple(cmd.split()) if isinstance(cmd, str) else cmd
    passes = not entry or (isinstance(entry, tuple) and len(entry) == 1 and base_name(entry[0]) in _PASSING)
    typed = not words or (base_name(words[0]) in _INTERACTIVE and all(word.startswith("-") for word in words[1:]))
    return passes and typed


def unwrap(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A command without what only starts it, and the names of that."""
    wrappers: list[str] = []
    while words:
        name = base_name(words[0])
        rest = words[1:]
        if name in ("tini", "dumb-init", "catatonit"):
            while rest and rest[0].startswith("-"):
                done = rest[0] == "--"
                rest = rest[1:]
                if done:
                    break
        elif name == "exec":
            pass
        elif name in ("su-exec", "gosu") and len(rest) > 1:
            rest = rest[1:]
        elif name in ("poetry", "pipenv", "uv", "pdm", "hatch", "rye") and rest[:1] == ("run",):
            rest = rest[1:]
            while rest and rest[0].startswith("-"):
                rest = rest[1:]
        elif name in ("opentelemetry-instrument", "ddtrace-run", "npx", "bunx"):
            while rest and rest[0].startswith("-"):
                rest = rest[1:]
        elif (name, rest[:1]) in (("newrelic-admin", ("run-program",)), ("bundle", ("exec",))):
            rest = rest[1:]
        elif name == "env":
            while rest and ("=" in rest[0] or rest[0].startswith("-")):
                rest = rest[1:]
        elif re.fullmatch(r"python[\d.]*", name):
            flags = 0
            while flags < len(rest) and re.fullmatch(r"-[uOBIEsS]+", rest[flags]):
                flags += 1
            if flags + 1 < len(rest) and rest[flags] == "-m" and rest[flags + 1] in _MODULES:
                rest = (rest[flags + 1], *rest[flags + 2 :])
            elif flags:
                return (words[0], *rest[flags:]), tuple(wrappers)
            else:
                break
        else:
            break
        wrappers.append(name)
        words = rest
    return words, tuple(wrappers)


# Servers that are as often started with ``python -m``.
_MODULES = frozenset(
    (
        "uvicorn",
        "gunicorn",
        "hypercorn",
        "daphne",
        "flask",
        "fastapi",
        "sanic",
        "litestar",
        "waitress",
        "granian",
        "streamlit",
    )
)
