"""Files that say how a Dockerfile is built: compose, bake, skaffold, GitHub workflows, devcontainer.

Each reader gives :class:`Build` objects: which Dockerfile, from which context, to which target. A path
with a variable that has no default in the file, a remote context, or an inline Dockerfile is left out.
References: https://docs.docker.com/reference/compose-file/build/,
https://docs.docker.com/build/bake/reference/, https://skaffold.dev/docs/references/yaml/,
https://github.com/docker/build-push-action, https://containers.dev/implementors/json_reference/.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

MAX_BYTES = 1_000_000
_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml\Z")
_BAKE = re.compile(r"docker-bake(?:\.override)?\.(?:hcl|json)\Z")
_WORKSPACE = re.compile(r"\A\$\{\{\s*github\.workspace\s*\}\}")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/|-\Z")
_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)(?:(:?[-+?])([^{}]*))?\}|\$([A-Za-z_]\w*)")


class Build(NamedTuple):
    """One way a Dockerfile is built. Paths are absolute."""

    dockerfile: str
    context: str
    target: str  #: empty for the last stage
    args: tuple[str, ...]  #: names of the build arguments given
    extra: tuple[str, ...]  #: names of additional contexts, which ``COPY --from`` may use
    evidence: str  #: ``compose.yaml: services.web.build``
    mounts: tuple[
        str, ...
    ] = ()  #: folders of the image that compose mounts to be written to: ``/app``, ``volume:/data``
    rights: str = ""  #: what compose gives the container beyond the usual: ``privileged``, ``cap_add``


class Read(NamedTuple):
    """What one file gives, or why it could not be read."""

    builds: tuple[Build, ...]
    problem: str | None = None


_cache: dict[tuple[str, int, int], Read] = {}
_folders: dict[str, tuple[int, tuple[str, ...]]] = {}
# Folders beside the sources where people keep compose files. A walk through the whole tree would cost more than all
# the rest, for every Dockerfile of a repository that has thousands.
_BESIDE = frozenset(
    (
        *("deploy", "deployment", "deployments", "docker", ".docker", "compose", "docker-compose", ".compose"),
        *("container", "containers", "infra", "infrastructure", "ops", "devops", ".devops", "dev", "local", "build"),
        *("ci", ".ci", "scripts", "env", "environment", "environments", "stack", "stacks", "test", "tests", "e2e"),
    )
)


def _listed(folder: str) -> tuple[str, ...]:
    """The names in a folder, sorted; nothing for one that cannot be read. Listed again when it has changed."""
    try:
        changed = os.stat(folder).st_mtime_ns
        known = _folders.get(folder)
        if known is None or known[0] != changed:
            known = _folders[folder] = (changed, tuple(sorted(os.listdir(folder))))
    except OSError:
        return ()
    return known[1]


def candidates(folder: str) -> list[str]:
    """The paths of files in ``folder`` (and its .github/workflows, .devcontainer) that may describe builds."""
    names = _listed(folder)
    found = [
        os.path.join(folder, name)
        for name in names
        if _COMPOSE.match(name)
        or _BAKE.match(name)
        or name in ("skaffold.yaml", "skaffold.yml", "devcontainer.json", ".devcontainer.json")
    ]
    if ".devcontainer" in names:
        found.append(os.path.join(folder, ".devcontainer", "devcontainer.json"))
    if ".github" in names:
        workflows = os.path.join(folder, ".github", "workflows")
        found += [os.path.join(workflows, name) for name in _listed(workflows) if name.endswith((".yml", ".yaml"))]
    return found


def beside(folder: str) -> list[str]:
    """The paths of compose files in folders of ``folder`` that are usual for them: ``deploy``, ``docker`` …

    Two deep at most (``deploy/docker``). What they name is relative to where they stand, whereas what bake and
    skaffold files name is relative to where these are called, which nobody can tell of one in such a folder.
    """
    found: list[str] = []
    for name in _listed(folder):
        if name.lower() in _BESIDE:
            inner = os.path.join(folder, name)
            names = _listed(inner)
            found += [os.path.join(inner, file) for file in names if _COMPOSE.match(file)]
            for other in names:
                if other.lower() in _BESIDE:
                    deeper = os.path.join(inner, other)
                    found += [os.path.join(deeper, file) for file in _listed(deeper) if _COMPOSE.match(file)]
    return found


def read(path: str, root: str) -> Read:
    """The builds a file describes; nothing for a file that is not there. Cached by size and time."""
    try:
        stat = os.stat(path)
    except OSError:
        return Read(())
    key = (path, stat.st_mtime_ns, stat.st_size)
    if key not in _cache:
        _cache[key] = _read(path, root, stat.st_size)
    return _cache[key]


def _read(path: str, root: str, size: int) -> Read:
    shown = os.path.relpath(path, root)
    if size > MAX_BYTES:
        return Read((), f"{shown} is over {MAX_BYTES} bytes")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        return Read((), f"{shown} cannot be read: {error}")
    name = os.path.basename(path)
    try:
        if name.endswith(".hcl"):
            return Read(tuple(_bake_hcl(text, path, shown)))
        if name.startswith("docker-bake"):
            return Read(tuple(_bake_json(text, path, shown)))
        if name.endswith("devcontainer.json"):
            return Read(tuple(_devcontainer(text, path, shown)))
        if "build" not in text and "docker" not in text:
            return Read(())
        documents = _yaml(text)
        if name.startswith("skaffold"):
            return Read(tuple(_skaffold(documents, path, shown)))
        if f"{os.sep}.github{os.sep}workflows{os.sep}" in path:
            return Read(tuple(_workflow(documents, path, shown)))
        return Read(tuple(_compose(documents, path, shown)))
    except ValueError as error:
        first = " ".join(str(error).split())
        return Read((), f"{shown} does not parse: {first}")


def _yaml(text: str) -> list[object]:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Takes compose's ``!reset`` and ``!override`` and whatever tag others invent."""

    def tagged(loader: Any, suffix: str, node: Any) -> object:
        if suffix == "reset":
            return None
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("!", tagged)
    try:
        return list(yaml.load_all(text, Loader=Loader))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _substitute(value: object) -> str | None:
    """A string with ``${NAME:-default}`` replaced by its default; None where there is none."""
    if not isinstance(value, str):
        return None
    missing = False

    def one(match: re.Match[str]) -> str:
        nonlocal missing
        if match[0] == "$$":
            return "$"
        if match[2] in (":-", "-"):
            return match[3] or ""
        missing = True
        return ""

    out = _VARIABLE.sub(one, value)
    return None if missing or "${" in out else out


def _make(
    base: str, context: object, dockerfile: object, evidence: str, *, target: object = "", args: object = (),
    extra: object = (), from_context: bool = True,
) -> Build | None:  # fmt: skip
    """A build from the strings of a file; ``dockerfile`` is relative to the context or to ``base``."""
    where, name = _substitute(context), _substitute(dockerfile)
    if where is None or name is None or _REMOTE.match(where):
        return None
    folder = os.path.normpath(os.path.join(base, os.path.expanduser(where)))
    path = os.path.normpath(os.path.join(folder if from_context else base, name))
    goal = _substitute(target) if target else ""
    return Build(path, folder, goal if goal is not None else "?", _names(args), _names(extra), evidence)


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(key) for key in value)
    if isinstance(value, (list, tuple)):
        return tuple(str(item).partition("=")[0] for item in value)
    return ()


def _compose(documents: list[object], path: str, shown: str) -> list[Build]:
    found: list[Build] = []
    folder = os.path.dirname(path)
    for document in documents:
        services = document.get("services") if isinstance(document, dict) else None
        for name, service in services.items() if isinstance(services, dict) else ():
            build = service.get("build") if isinstance(service, dict) else None
            evidence = f"{shown}: services.{name}.build"
            if isinstance(build, str):
                one = _make(folder, build, "Dockerfile", evidence)
            elif isinstance(build, dict) and "dockerfile_inline" not in build:
                one = _make(
                    folder, build.get("context", "."), build.get("dockerfile", "Dockerfile"), evidence,
                    target=build.get("target", ""), args=build.get("args"), extra=build.get("additional_contexts"),
                )  # fmt: skip
            else:
                continue
            if one is not None:
                found.append(one._replace(mounts=_mounts(service, folder), rights=_rights(service)))
    return found


def _mounts(service: dict[object, object], folder: str) -> tuple[str, ...]:
    """The places in the container that a service mounts a folder or a volume at, but for those only read.

    A single file that is there is taken for a configuration, which is read.
    """
    found: list[str] = []
    volumes = service.get("volumes")
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, dict):
            kind, target, read_only = volume.get("type"), volume.get("target"), volume.get("read_only")
            source = str(volume.get("source", "")) if kind == "bind" else ""
        else:
            source, colon, rest = str(volume).partition(":")
            target, _, options = rest.partition(":")
            kind, read_only = "bind" if colon else "volume", "ro" in options.split(",")
            target = target if colon else source
        if not isinstance(target, str) or read_only or kind == "tmpfs":
            continue
        if kind == "bind" and os.path.isfile(os.path.join(folder, source)):
            continue
        # A name without a slash or a dot is that of a volume Docker keeps.
        named = kind == "volume" or (isinstance(volume, str) and not re.match(r"[./~$]", source))
        found.append(("volume:" if named else "") + os.path.normpath(target))
    return tuple(found)


def _rights(service: dict[object, object]) -> str:
    return next((key for key in ("privileged", "cap_add", "devices", "pid", "ipc") if service.get(key)), "")


def _bake_targets(targets: dict[str, dict[str, object]], path: str, shown: str) -> list[Build]:
    folder = os.path.dirname(path)
    found: list[Build] = []
    for name in targets:
        merged = _inherit(name, targets, ())
        if "dockerfile-inline" in merged:
            continue
        one = _make(
            folder, merged.get("context", "."), merged.get("dockerfile", "Dockerfile"), f"{shown}: target {name}",
            target=merged.get("target", ""), args=merged.get("args"), extra=merged.get("contexts"),
        )  # fmt: skip
        if one is not None:
            found.append(one)
    return found


def _inherit(name: str, targets: dict[str, dict[str, object]], seen: tuple[str, ...]) -> dict[str, object]:
    own = targets.get(name, {})
    merged: dict[str, object] = {}
    parents = own.get("inherits", ())
    for parent in parents if isinstance(parents, list) else ():
        if isinstance(parent, str) and parent not in seen and parent != name:
            merged.update(_inherit(parent, targets, (*seen, name)))
    merged.update(own)
    return merged


def _bake_json(text: str, path: str, shown: str) -> list[Build]:
    import json

    data = json.loads(text)
    targets = data.get("target") if isinstance(data, dict) else None
    if not isinstance(targets, dict):
        return []
    own = {str(name): value for name, value in targets.items() if isinstance(value, dict)}
    variables = {}
    for name, value in (data.get("variable") or {}).items():
        variables[name] = value.get("default") if isinstance(value, dict) else None
    return _bake_targets({name: _interpolated(value, variables) for name, value in own.items()}, path, shown)


def _bake_hcl(text: str, path: str, shown: str) -> list[Build]:
    from dockopt.facts import hcl

    blocks = hcl.parse(text)
    variables: dict[str, object] = dict(blocks[0].attributes)
    for block in blocks:
        if block.kind == "variable" and block.labels:
            variables[block.labels[0]] = hcl.interpolate(block.attributes.get("default", hcl.UNREAD), variables)
    targets: dict[str, dict[str, object]] = {}
    for block in blocks:
        if block.kind == "target" and block.labels:
            # A matrix makes several targets of one block; its paths are read where they do not depend on it.
            targets[block.labels[0]] = _interpolated(block.attributes, variables)
    return _bake_targets(targets, path, shown)


def _interpolated(attributes: dict[str, object], variables: dict[str, object]) -> dict[str, object]:
    from dockopt.facts import hcl

    out: dict[str, object] = {}
    for key, value in attributes.items():
        out[key] = (
            [hcl.interpolate(item, variables) for item in value]
            if isinstance(value, list)
            else hcl.interpolate(value, variables)
        )
    return out


def _skaffold(documents: list[object], path: str, shown: str) -> list[Build]:
    found: list[Build] = []
    folder = os.path.dirname(path)
    for document in documents:
        if not isinstance(document, dict):
            continue
        sections = [document, *[one for one in document.get("profiles") or () if isinstance(one, dict)]]
        for section in sections:
            build = section.get("build")
            for artifact in (build.get("artifacts") or ()) if isinstance(build, dict) else ():
                if not isinstance(artifact, dict) or {"jib", "buildpacks", "ko", "bazel", "custom"} & set(artifact):
                    continue
                docker = artifact.get("docker") or artifact.get("kaniko") or {}
                if not isinstance(docker, dict):
                    continue
                one = _make(
                    folder, artifact.get("context", "."), docker.get("dockerfile", "Dockerfile"),
                    f"{shown}: artifact {artifact.get('image', '?')}", target=docker.get("target", ""), args=docker.get("buildArgs"),
                )  # fmt: skip
                if one is not None:
                    found.append(one)
    return found


def _workflow(documents: list[object], path: str, shown: str) -> list[Build]:
    found: list[Build] = []
    repository = os.path.dirname(os.path.dirname(os.path.dirname(path)))
    for document in documents:
        jobs = document.get("jobs") if isinstance(document, dict) else None
        for job_name, job in jobs.items() if isinstance(jobs, dict) else ():
            steps = job.get("steps") if isinstance(job, dict) else None
            for index, step in enumerate(steps if isinstance(steps, list) else (), 1):
                if not isinstance(step, dict):
                    continue
                evidence = f"{shown}: jobs.{job_name} step {step.get('name') or step.get('id') or index}"
                uses, run = step.get("uses"), step.get("run")
                if isinstance(uses, str) and uses.startswith("docker/build-push-action"):
                    options = step.get("with") or {}
                    one = _action(options if isinstance(options, dict) else {}, repository, evidence)
                    found += [one] if one is not None else []
                elif isinstance(run, str) and "docker" in run and "build" in run:
                    found += _commands(run, repository, step.get("working-directory"), evidence)
    return found


def _action(options: dict[object, object], repository: str, evidence: str) -> Build | None:
    # Without a context the action builds the repository at its root; so does ``{{defaultContext}}``.
    context = options.get("context", ".")
    if isinstance(context, str):
        context = re.sub(r"\{\{\s*defaultContext\s*\}\}:?", "./", _WORKSPACE.sub(".", context))
    file = options.get("file")
    if isinstance(file, str):
        args = options.get("build-args")
        return _make(
            repository, context, _WORKSPACE.sub(".", file), evidence, from_context=False,
            target=options.get("target", ""), args=args.splitlines() if isinstance(args, str) else (),
        )  # fmt: skip
    return _make(repository, context, "Dockerfile", evidence, target=options.get("target", ""))


def _flags(text: str) -> frozenset[str]:
    return frozenset(text.split())


# docker build's flags that take a value in the next word:
# https://docs.docker.com/reference/cli/docker/buildx/build/
_VALUE_FLAGS = _flags(
    "-f --file -t --tag --build-arg --target --label --platform --cache-from --cache-to --output -o --secret --ssh --progress "
    "--network --add-host --iidfile --metadata-file --builder --build-context --shm-size --ulimit --allow --attest "
    "--annotation --cgroup-parent --memory -m --cpuset-cpus --isolation --no-cache-filter --provenance --sbom --call"
)


def _commands(run: str, repository: str, directory: object, evidence: str) -> list[Build]:
    from dockopt.shell.script import parse_script

    script = parse_script(run)
    where = _substitute(directory) if directory is not None else "."
    if script.error or where is None:
        return []
    folder = os.path.join(repository, where)
    found: list[Build] = []
    for command in script.commands:
        values = command.values
        if values[:1] == ("cd",):
            return found  # what follows runs somewhere else
        if values[:2] == ("docker", "build"):
            one = _command(values[2:], folder, evidence)
        elif values[:3] in (("docker", "buildx", "build"), ("docker", "image", "build")):
            one = _command(values[3:], folder, evidence)
        else:
            continue
        found += [one] if one is not None else []
    return found


def _command(words: tuple[str | None, ...], folder: str, evidence: str) -> Build | None:
    file: str | None = "Dockerfile"
    target: str | None = ""
    given = False
    args: list[str] = []
    rest: list[str | None] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word is None or not word.startswith("-") or word == "-":
            rest.append(word)
            continue
        name, equals, value = word.partition("=")
        chosen: str | None = value if equals else None
        if not equals and name in _VALUE_FLAGS:
            chosen = words[index] if index < len(words) else None
            index += 1
        if name in ("-f", "--file"):
            file, given = chosen, True
        elif name == "--target":
            target = chosen
        elif name == "--build-arg" and chosen:
            args.append(chosen)
    if len(rest) != 1 or rest[0] is None or file is None or target is None:
        return None
    return _make(folder, rest[0], file, evidence, target=target, args=args, from_context=not given)


_JSON_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|(//[^\n]*|/\*.*?\*/)', re.S)
_TRAILING_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|(,)(?=\s*[}\]])', re.S)


def load_jsonc(text: str) -> object:
    """JSON with comments and trailing commas, as devcontainer.json and tsconfig.json have them.

    :raises ValueError: for text that is not that.
    """
    import json

    text = _JSON_COMMENT.sub(lambda match: " " if match[1] else match[0], text)
    return json.loads(_TRAILING_COMMA.sub(lambda match: "" if match[1] else match[0], text))


def _devcontainer(text: str, path: str, shown: str) -> list[Build]:
    data = load_jsonc(text)
    if not isinstance(data, dict):
        return []
    build = data.get("build")
    options = build if isinstance(build, dict) else {}
    file = options.get("dockerfile") or data.get("dockerFile")
    if not isinstance(file, str):
        return []
    context = options.get("context") or data.get("context") or "."
    one = _make(
        os.path.dirname(path), context, file, f"{shown}: build", from_context=False, target=options.get("target", ""),
        args=options.get("args"),
    )  # fmt: skip
    return [one] if one is not None else []
