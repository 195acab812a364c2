"""A container engine, through python-on-whales: build, run, save, and leave nothing behind.

Everything made carries the label :data:`LABEL` with a value of this run's own; :meth:`Engine.close` removes
by that label, so it can remove nothing else. The label also makes each image one of its own: an image the
user has built from the same file keeps its id and its tags. Nothing is ever pushed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from dockopt.build.log import Mask, clean, missing_image, ran, relevant, step

if TYPE_CHECKING:
    from python_on_whales import DockerClient

#: On every image and container made, with the run's id as value.
LABEL = "io.dockopt.run"

#: The engines known, in the order in which they are looked for.
CLIENTS = ("docker", "podman", "nerdctl")

#: What a container may use at most: enough for any application that only has to start.
MEMORY = "2g"
PIDS = 1024

#: Repository of the images made. It has a dot-free first part, so no registry could be meant.
REPOSITORY = "dockopt-proof"

_GONE = re.compile(
    r"cannot connect to the docker daemon|error during connect|connection refused|is the docker daemon running"
    r"|cannot connect to podman|rootless containerd not running|cannot access containerd socket"
    r"|error reading from server: eof|connection reset by peer|transport is closing|unexpected eof"
    r"|code = unavailable|failed to dial|docker\.sock: (connect|read|write)",
    re.IGNORECASE,
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)

#: What buildx says of a builder that is not there, or that cannot hand over what it has built.
_BUILDER = re.compile(
    r"no builder .* found|use `docker --context=.*|waiting for connection:|exporter .* could not be found"
    r"|(?:no valid drivers|failed to (?:find|initialize) (?:driver|builder)).*",
    re.IGNORECASE,
)

#: The syntax directive's image cannot be had: no network, or a registry that does not answer.
_FRONTEND = re.compile(r"docker-image://(?P<image>\S+?):\n(?:.*\n)*ERROR: failed to solve: ")
_DIRECTIVE = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t]*#[ \t]*(?P<name>[A-Za-z]+)[ \t]*=[ \t]*(?P<value>[^\r\n]*?)[ \t]*\r?\n"
)


class EngineProblem(Exception):
    """The engine cannot do its part: not there, gone, its disk full, too slow. ``str()`` is one clear line."""


class EngineGone(EngineProblem):
    """Nothing more can be done with this engine: it is not there, went away, or its disk is full."""


class BuildFailed(Exception):
    """The Dockerfile does not build.

    :ivar log: the build log's relevant lines, secrets masked.
    """

    def __init__(self, message: str, log: Sequence[str]) -> None:
        super().__init__(message)
        self.log = tuple(log)


class BuildSettings(NamedTuple):
    """How to build; what ``docker buildx build`` calls by the same names."""

    target: str | None = None
    platform: str | None = None
    build_args: tuple[tuple[str, str], ...] = ()
    build_contexts: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    network: str | None = None
    builder: str | None = None
    timeout: float = 1800.0  #: seconds a build may take


class Built(NamedTuple):
    """A finished build."""

    reference: str  #: the tag it has in the engine
    seconds: float
    notes: tuple[str, ...] = ()  #: what was done besides, each one sentence
    ran: tuple[str, ...] = ()  #: the instructions that were carried out, not taken from the cache


class Answer(NamedTuple):
    """What a command came to."""

    code: int  #: exit code; 124 where the time ran out
    output: str  #: standard output
    error: str  #: standard error


class Engine:
    """One engine for one run; a context manager that cleans up.

    :param client: ``docker``, ``podman`` or ``nerdctl``; ``None``: the first that is installed.
    :param keep: leave images and containers in place on :meth:`close`.
    :param progress: called with what a build is at, often.
    :raises EngineProblem: where there is no engine, or none that answers.
    """

    def __init__(
        self, client: str | None = None, *, keep: bool = False, progress: Callable[[str], None] | None = None
    ) -> None:
        from python_on_whales import DockerClient

        self.name = client or _installed()
        if shutil.which(self.name) is None:
            raise EngineGone(f"{self.name} is not installed; --engine names another")
        self.client: DockerClient = DockerClient(client_call=[self.name])
        self.keep = keep
        self.progress = progress or (lambda text: None)
        self.run = f"{os.getpid()}-{os.urandom(4).hex()}"
        self.mask = Mask()
        self.left: list[str] = []  #: what :meth:`close` could not remove
        self._built = 0
        self._no_frontend: set[str] = set()  #: images of syntax directives that cannot be had here
        self._check()
        self._folder = tempfile.mkdtemp(prefix="dockopt-")

    def _check(self) -> None:
        if self.name == "docker" and self._execute(["buildx", "version"], timeout=60).code != 0:
            raise EngineGone("docker has no buildx plug-in; install docker-buildx (docs.docker.com/go/buildx)")
        answer = self._execute(["info"], timeout=60)
        if answer.code != 0:
            why = next((line for line in answer.error.splitlines() if _GONE.search(line)), answer.error)
            why = one_line(why).removesuffix(" Is the docker daemon running?").rstrip(".") or f"{self.name} info failed"
            raise EngineGone(
                f"the container engine does not answer ({why}); start it, set DOCKER_HOST, or name another with --engine"
            )

    # -- builds ---------------------------------------------------------------------------------------

    def build(
        self,
        dockerfile: bytes,
        context: str,
        settings: BuildSettings,
        *,
        ignore: bytes | None = None,
        cache: bool = True,
    ) -> Built:
        """Build ``dockerfile`` in ``context`` and load the image into the engine.

        The Dockerfile lies in a temporary folder, outside the context, which is never written to.

        :param ignore: what to hide, instead of the context's ``.dockerignore``: the content of the file
            ``NAME.dockerignore`` beside the original, or of one that is yet to be written.
        :raises BuildFailed: where the Dockerfile is to blame.
        :raises EngineProblem: where the engine is, or the time ran out.
        """
        notes: list[str] = []
        for _ in range(3):  # an ordinary build, and one more for each side's syntax directive that fails
            text, note = self._without_frontend(dockerfile)
            if note and note not in notes:
                notes.append(note)
            started = time.monotonic()
            self._built += 1
            reference = f"{REPOSITORY}:{self.run}-{self._built}"
            code, lines, marks = self._build(text, context, settings, reference, ignore, cache)
            if code == 0:
                return Built(reference, time.monotonic() - started, tuple(notes), ran(marks))
            if not self._frontend_missing(text, lines):
                break
        raise self._failure(lines)

    def _build(
        self, text: bytes, context: str, settings: BuildSettings, reference: str, ignore: bytes | None, cache: bool
    ) -> tuple[int, list[str], list[str]]:
        """The exit code, the log's last lines, and all those that say where a step begins and ends."""
        folder = tempfile.mkdtemp(dir=self._folder)
        path = os.path.join(folder, "Dockerfile")
        with open(path, "wb") as file:
            file.write(text)
        if ignore is not None:
            with open(path + ".dockerignore", "wb") as file:
                file.write(ignore)
        environment, arguments = self._arguments(settings)
        command = ["buildx", "build"] if self.name == "docker" else ["build"]
        command += ["--file", path, "--tag", reference, "--label", f"{LABEL}={self.run}", *arguments]
        if self.name == "podman":
            # OCI's own format has no place for HEALTHCHECK, SHELL, ONBUILD and the author (docs.podman.io, podman-build).
            command += ["--format", "docker"]
        else:
            command += ["--progress", "plain"]
        if self.name == "docker":
            # Attestations would make an index of the image, with the build's time in it.
            command += ["--load", "--provenance=false", "--sbom=false"]
        if not cache:
            command.append("--no-cache")
        self.mask = Mask.of(settings.secrets, dict(settings.build_args))
        lines: list[str] = []
        marks: list[str] = []

        def take(line: str) -> None:
            line = self.mask(clean(line))
            lines.append(line)
            del lines[:-4000]
            at = step(line)
            if at is not None:
                self.progress(at)
            if at is not None or " DONE " in line:
                marks.append(line)

        try:
            code = self._stream([*command, context], take, settings.timeout, environment)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if code is None:
            raise EngineProblem(
                f"the build was stopped after {settings.timeout:.0f} s (--build-timeout sets another limit)"
            )
        return code, lines, marks

    def _arguments(self, settings: BuildSettings) -> tuple[dict[str, str], list[str]]:
        environment: dict[str, str] = {}
        words: list[str] = []
        for name, value in settings.build_args:
            if os.environ.get(name, value) == value:
                # By the environment, which other users of the machine cannot list as they can arguments.
                environment[name] = value
                words += ["--build-arg", name]
            else:
                words += ["--build-arg", f"{name}={value}"]
        # The image's times then are the same whenever it is built (reproducible-builds.org).
        words += ["--build-arg", "SOURCE_DATE_EPOCH=0"]
        for name, value in settings.build_contexts:
            words += ["--build-context", f"{name}={value}"]
        for secret in settings.secrets:
            words += ["--secret", secret]
        for flag in ("target", "platform", "network", "builder"):
            value = getattr(settings, flag)
            if value is not None:
                words += [f"--{flag}", value]
        return environment, words

    def _without_frontend(self, dockerfile: bytes) -> tuple[bytes, str]:
        """The Dockerfile for the engine's own frontend, where the one it asks for cannot be had."""
        text, image = without_frontend(dockerfile)
        if image not in self._no_frontend:
            return dockerfile, ""
        return text, f"built with the engine's own frontend, since {image} cannot be had"

    def _frontend_missing(self, dockerfile: bytes, lines: Sequence[str]) -> bool:
        image = without_frontend(dockerfile)[1]
        if not image or _FRONTEND.search("\n".join(lines) + "\n") is None:
            return False
        self._no_frontend.add(image)
        return True

    def _failure(self, lines: Sequence[str]) -> Exception:
        whole = "\n".join(lines)
        if _FULL.search(whole):
            return EngineGone("the engine's disk is full (no space left on device); free some and run again")
        tail = "\n".join(lines[-10:])
        if _GONE.search(tail):
            return EngineGone(f"the container engine went away: {one_line(lines[-1])}")
        builder = _BUILDER.search(tail)
        if builder is not None:
            return EngineGone(f"the builder cannot be used: {one_line(builder[0]).rstrip(':')}")
        image = missing_image(tail)
        if image is not None:
            return BuildFailed(f"the image {image}", ())
        *log, last = relevant(lines) or ("the build failed without a word",)
        return BuildFailed(last.removeprefix("ERROR: ").removeprefix("failed to solve: "), tuple(log))

    # -- images ---------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def save(self, references: Sequence[str]) -> Iterator[IO[bytes]]:
        """The images as one ``docker save`` archive; common layers come once.

        The stream is read here rather than through python-on-whales, which hands it on line by line.

        :raises EngineProblem: on leaving, where the engine failed on the way.
        """
        options = ["--multi-image-archive"] if self.name == "podman" else []
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command(["image", "save", *options, *references]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert process.stdout is not None
            try:
                try:
                    yield process.stdout
                    while process.stdout.read(1 << 20):
                        pass  # the padding behind the archive's end
                finally:
                    # An archive read half leaves the client waiting for its reader.
                    process.stdout.close()
                code = process.wait(60)
            except BaseException:
                _end(process)
                errors.seek(0)
                self._raise_if_gone(errors.read().decode(errors="replace"))
                raise
            if code != 0:
                errors.seek(0)
                text = errors.read().decode(errors="replace")
                self._raise_if_gone(text)
                raise EngineProblem(f"the container engine cannot hand out the image: {one_line(text)}")

    def has_image(self, reference: str) -> bool:
        """Whether an image is in the engine already."""
        return self._execute(["image", "inspect", "--format", "{{.Id}}", reference], timeout=60).code == 0

    def remove_image(self, reference: str) -> None:
        """Remove an image of this run's own, if it is still there."""
        with contextlib.suppress(EngineProblem):
            self._execute(["image", "rm", "--force", reference], timeout=60)

    # -- containers -----------------------------------------------------------------------------------

    def create(
        self,
        reference: str,
        *,
        network: str | None = None,
        health_interval: int | None = None,
        words: Sequence[str] = (),
        platform: str | None = None,
    ) -> str:
        """Make a container of an image, without extra privileges, limited in memory and processes; its id.

        :param network: as ``docker run`` takes it; ``container:ID`` is another container's.
        :param health_interval: seconds between two health checks, instead of the image's own.
        :param words: run this command instead of what the image runs.
        """
        options: dict[str, Any] = {}
        if network is not None:
            options["networks"] = [network]
        if health_interval is not None:
            options["health_interval"] = health_interval
        if platform is not None:
            options["platform"] = platform
        command: list[str] = []
        if words:
            options["entrypoint"] = words[0]
            command = list(words[1:])
        with self._translated():
            container = self.client.container.create(
                reference,
                command,
                labels={LABEL: self.run},
                memory=MEMORY,
                pids_limit=PIDS,
                pull="never",
                **options,
            )
            return str(container.id)

    def start(self, container: str) -> str | None:
        """Start a container; ``None``, or the engine's reason where its program cannot even be run."""
        answer = self._execute(["container", "start", container], timeout=120)
        if answer.code == 0:
            return None
        self._raise_if_gone(answer.error)
        return one_line(answer.error)

    def state(self, container: str) -> Mapping[str, Any]:
        """``State`` of ``docker inspect``."""
        return self._inspect(container, "State")

    def config(self, container: str) -> Mapping[str, Any]:
        """``Config`` of ``docker inspect``."""
        return self._inspect(container, "Config")

    def _inspect(self, container: str, part: str) -> Mapping[str, Any]:
        import json

        answer = self._execute(["container", "inspect", "--format", f"{{{{json .{part}}}}}", container], timeout=60)
        if answer.code != 0:
            self._raise_if_gone(answer.error)
            raise EngineProblem(f"the container went away: {one_line(answer.error)}")
        found: dict[str, Any] = json.loads(answer.output)
        return found

    def check_health(self, container: str) -> None:
        """Run a container's health check now, for an engine that may not do so by itself.

        podman leaves it to timers of systemd (docs.podman.io, podman-healthcheck), which not every machine has.
        """
        if self.name == "podman":
            self._execute(["healthcheck", "run", container], timeout=60)

    def execute(self, container: str, shell: str, timeout: float) -> Answer:
        """Run a script with ``/bin/sh -c`` in a running container."""
        return self._execute(["exec", container, "/bin/sh", "-c", shell], timeout)

    def logs(self, container: str, lines: int = 15) -> tuple[str, ...]:
        """The last lines a container wrote, both streams."""
        answer = self._execute(["logs", "--tail", str(lines), container], timeout=60)
        return tuple(self.mask(clean(line)) for line in (answer.output + answer.error).splitlines())[-lines:]

    def output(self, container: str) -> str:
        """All that a container wrote to standard output."""
        return self._execute(["logs", container], timeout=60).output

    def stop(self, container: str, grace: float) -> float:
        """Send the stop signal, and after ``grace`` seconds SIGKILL; the seconds it took."""
        started = time.monotonic()
        answer = self._execute(["container", "stop", "--time", str(round(grace)), container], timeout=grace + 60)
        if answer.code != 0:
            self._raise_if_gone(answer.error)
        return time.monotonic() - started

    def remove(self, container: str) -> None:
        """Remove a container, with its anonymous volumes, unless everything is kept."""
        if not self.keep:
            self._execute(["container", "rm", "--force", "--volumes", container], timeout=60)

    # -- the end --------------------------------------------------------------------------------------

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left = self.close()

    def close(self) -> list[str]:
        """Remove all containers and images of this run and the temporary folder; what could not be removed.

        A second ctrl-C does not disturb it.
        """
        left: list[str] = []
        with _uninterrupted():
            shutil.rmtree(self._folder, ignore_errors=True)
            if self.keep:
                return left
            mine = f"label={LABEL}={self.run}"
            for kind, listing in (
                ("container", ["container", "ls", "--all", "--quiet", "--filter", mine]),
                ("image", ["image", "ls", "--quiet", "--filter", mine]),
            ):
                answer = self._execute(listing, timeout=60)
                if answer.code != 0:
                    left.append(f"{kind}s labelled {LABEL}={self.run}")
                    continue
                found = list(dict.fromkeys(answer.output.split()))
                if found:
                    options = ["--force", "--volumes"] if kind == "container" else ["--force"]
                    self._execute([kind, "rm", *options, *found], timeout=300)
        return left

    # -- commands -------------------------------------------------------------------------------------

    def _command(self, words: Sequence[str]) -> list[str]:
        return [str(word) for word in self.client.client_config.docker_cmd] + list(words)

    def _execute(self, words: Sequence[str], timeout: float) -> Answer:
        """Run the client with a time limit, which python-on-whales has not."""
        process = subprocess.Popen(
            self._command(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            output, error = process.communicate(timeout=timeout)
            return Answer(process.returncode, output.decode(errors="replace"), error.decode(errors="replace"))
        except subprocess.TimeoutExpired:
            process.kill()
            output, error = process.communicate()
            return Answer(124, output.decode(errors="replace"), error.decode(errors="replace"))
        except BaseException:
            _end(process)
            raise

    def _stream(
        self, words: Sequence[str], take: Callable[[str], None], timeout: float, environment: Mapping[str, str]
    ) -> int | None:
        """Run the client, handing each line of both streams to ``take``; ``None`` where the time ran out."""
        process = subprocess.Popen(
            self._command(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                take(line.decode(errors="replace"))
            code = process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            timer.cancel()
            if process.stdout is not None:
                process.stdout.close()
        return None if late.is_set() else code

    def _raise_if_gone(self, error: str) -> None:
        if _GONE.search(error):
            raise EngineGone(f"the container engine went away: {one_line(error)}")
        if _FULL.search(error):
            raise EngineGone("the engine's disk is full (no space left on device); free some and run again")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        from python_on_whales.exceptions import DockerException

        try:
            yield
        except DockerException as error:
            text = error.stderr or ""
            self._raise_if_gone(text)
            raise EngineProblem(f"the container engine refuses: {one_line(text) or 'no reason given'}") from None


def without_frontend(dockerfile: bytes) -> tuple[bytes, str]:
    """The Dockerfile without its ``syntax`` directive, and the image that names; empty where it has none.

    The line becomes a comment behind the other directives, since a comment ends them; no line number
    further down changes (docs.docker.com/reference/dockerfile, parser directives).
    """
    position = 0
    kept: list[bytes] = []
    syntax = b""
    image = ""
    while match := _DIRECTIVE.match(dockerfile, position):
        if match["name"].lower() == b"syntax" and not syntax:
            syntax = b"# frontend " + match["value"] + b"\n"
            image = match["value"].decode("utf-8", "replace")
        else:
            kept.append(match[0])
        position = match.end()
    if not syntax:
        return dockerfile, ""
    return b"".join(kept) + syntax + dockerfile[position:], image


def one_line(text: str) -> str:
    """``text`` on one line, without the engine's prefix."""
    words = " ".join(text.split())
    return re.sub(r"^(?:Error response from daemon|ERROR|Error): ", "", words)[:300]


def _installed() -> str:
    for name in CLIENTS:
        if shutil.which(name) is not None:
            return name
    raise EngineGone(
        "no container engine found: none of docker, podman and nerdctl is installed (docs.docker.com/engine/install)"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a client, so that it cancels its work, and kill it where that takes too long."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
