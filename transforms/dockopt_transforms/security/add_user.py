"""Containers that run as root though nothing in them needs it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockopt.api import (
    BaseImage,
    Command,
    Document,
    Editor,
    Effects,
    Facts,
    Instruction,
    Known,
    Phase,
    Proposal,
    Refusal,
    Safety,
    Stage,
    Transform,
    base_name,
    expand_known,
    operator_break,
    parse_script,
    posix_shell,
)
from dockopt_transforms._tables import word_set
from dockopt_transforms.runtime._start import Start, insert_late, lead, start_of
from dockopt_transforms.runtime.node_env import develops
from dockopt_transforms.security._account import NAME, RECORDS, Account, account_for

if TYPE_CHECKING:
    from dockopt.api import App, Context, Launch

_DROPPING_NAMES = ("gosu", "su-exec", "setpriv", "runuser", "s6-setuidgid", "chpst", "setuidgid")
_DROPPING = rf"\b(?:{'|'.join(_DROPPING_NAMES)})\b"
_DOCKER = r"docker\.sock|\bdocker-ce\b|\bdocker\.io\b(?!/)|\bdocker-cli\b|\bdockerd\b"
_MAKES_USERS = ("useradd", "adduser", "groupadd", "addgroup")
_TEMPORARY = ("/tmp", "/var/tmp")  # everybody's already
# Web frameworks that write beside what their build made, while they run.
_WRITES_BESIDE = frozenset(("next", "nuxt", "strapi", "gatsby", "sails", "adonis", "directus", "keystone"))
_ROOTS_HOME = r"/root(?![\w-])(?!/\.(?:cache|npm)\b)|(?<![\w.])~/|\$HOME\b|\$\{HOME\b"
_DAEMONS = word_set(
    "sshd cron crond supervisord systemd init s6-svscan runsvdir dockerd containerd mysqld mysqld_safe mariadbd postgres haproxy rsyslogd "
    "syslog-ng vsftpd openvpn named dnsmasq squid postfix dovecot exim smbd nmbd ntpd chronyd udevd dbus-daemon tor fail2ban-server "
    "nginx httpd apache2 apache2ctl apache2-foreground httpd-foreground php-fpm service sudo su iptables tcpdump openresty"
)
_INTERPRETED = word_set(
    "python python2 python3 uvicorn gunicorn hypercorn daphne granian waitress-serve flask fastapi litestar sanic celery streamlit "
    "django-admin node nodejs npm yarn pnpm bun next nuxt serve tsx java dotnet ruby rails puma rackup unicorn thin falcon "
    "sidekiq rake bundle"
)
_WORKERS = word_set("celery sidekiq rq dramatiq")
_COMPILED = ("go", "rust", "native")
_SCANNED = ("go", "rust", "java")  # languages in which making a file is a call by a name that can be looked for
_PORT_WORD = r"(?:--?p(?:ort)?=|--bind=|--listen=|[\w.\]\[*]*:)?(\d{1,5})(?:/tcp)?\Z"
_FIRST_OPEN_PORT = 1024
_NPM_STAYS_ROOT = 20  #: npm 9 and later run scripts as root; 7 and 8 as the folder's owner. Node 20 has 9 or 10.
_NEWEST_NODE = ("", "latest", "current", "lts", "slim", "alpine", "bookworm", "trixie")
# What asks git about the sources, which answers root only for folders that are root's.
_ASKS_GIT = word_set("git go npm yarn pnpm make cmake cargo mvn gradle poetry uv pdm hatch dotnet")
_SCRIPT_HARMLESS = word_set("set echo printf exec export cd test [ : true sleep unset if then shift trap wait")


class Plan(NamedTuple):
    """What is to be done for the program to run as another user."""

    account: Account
    folders: list[str]  #: to be owned by it
    copies: list[Instruction]  #: whose files shall be
    owned: tuple[str, ...]  #: globs of all that
    evidence: tuple[str, ...]


class AddUser(Transform):
    """Run the container as a user that is not root.

    What:
        Makes a user with the distribution's own commands, or takes the one the image brings (``node``, ``app``,
        distroless' ``nonroot``); gives it the working directory, what COPY puts there, volumes and the folders RUN
        makes; sets USER above CMD. The number stands in USER, so that Kubernetes can see it is not root.

    Why:
        What breaks out of a process that is root in a container is root on the host, and inside it may change
        everything.

    Safety:
        Unsafe: the program loses root's rights. It is done only where the start command, the port and the sources
        in the build context show that it needs none.

    Refuses:
        no-start: no CMD or ENTRYPOINT in the file says what runs
        user-set: the file switches users itself, and ends as root on purpose
        creates-users: the file makes accounts, of which nobody says what they are for
        base-unknown: the base image, or which account and tools it has, is not known
        drops-privileges: the program or its entrypoint leaves root by itself
        needs-root: a daemon that has to start as root
        docker-socket: the container talks to Docker, which is root's
        privileged-port: a port below 1024
        port-unknown: on which port the program listens is not known
        home-of-root: files are in root's home, where nobody else may look
        app-unknown: the build context, or which application runs, is not known
        command-unknown: what the start command does is not known
        script-writes: the start script does what root may do
        run-unknown: a RUN of the final image leaves files behind whose writers are not known
        writes-elsewhere: a path the program seems to write to is in no folder that would be its own
        workdir-shared: the working directory is the root folder, or one of the distribution's, and the program may
            write there
        built-after-copy: a RUN below COPY builds with files that would no longer be root's, or leaves some that are
        mounted-folder: compose mounts a folder of the host, or a volume, whose owner is another

    References:
        hadolint DL3002, Checkov CKV_DOCKER_3, CIS Docker Benchmark 4.1
        https://docs.docker.com/build/building/best-practices/#user
        https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """

    id = "add-user"
    phase = Phase.RUNTIME
    family = "security"
    aliases = ("DL3002", "CKV_DOCKER_3")
    after = ("exec-form", "python-env", "node-env", "java-env", "expose-port")
    safety = "unsafe"
    mildest = "unsafe"

    def propose(self, document: Document, facts: Facts) -> Iterator[Proposal | Refusal]:
        stage = facts.stages.all[-1]
        if stage.windows:
            return
        users = [node for member in stage.chain for node in member.instructions if node.name == "USER"]
        last = facts.states.of_stage(stage).end.user
        if (users and not isinstance(last, Known)) or (isinstance(last, Known) and not _is_root(last.value)):
            return
        start = start_of(facts)
        where = start.node if start is not None else stage.from_
        result = _plan(facts, stage, start, users)
        if not isinstance(result, Plan):
            yield Refusal(where, *result)
            return
        yield _proposal(document, facts, stage, where, result)


def _is_root(user: str) -> bool:
    return user.partition(":")[0] in ("root", "0", "")


def _plan(facts: Facts, stage: Stage, start: Start | None, users: list[Instruction]) -> Plan | tuple[str, str]:
    if start is None:
        return "no-start", "no CMD or ENTRYPOINT in the file says what runs"
    image = facts.base_image(stage)
    if image is None:
        return "base-unknown", f"the base image {stage.root.base or stage.root.from_.rest} is not in the table"
    problem = _file_problem(facts, stage, start, image, users)
    if problem is not None:
        return problem
    app, context, launch = facts.app, facts.context, facts.launch
    if not isinstance(context, Known):
        return "app-unknown", context.reason
    if not isinstance(app, Known):
        return "app-unknown", app.reason
    if not isinstance(launch, Known):
        return "command-unknown", launch.reason
    return _app_plan(facts, stage, image, app, context.value, launch.value)


def _file_problem(
    facts: Facts, stage: Stage, start: Start, image: BaseImage, users: list[Instruction]
) -> tuple[str, str] | None:
    """What the Dockerfile alone tells."""
    from dockopt_transforms.security._writes import unknown_run

    if not all(_is_root(node.rest) for node in users) or not _is_root(image.user or "root"):
        return "user-set", "the file switches users itself, and ends as root"
    nodes = [node for member in stage.chain for node in member.instructions]
    texts = [node.rest for node in nodes]
    own_entrypoint = any(node.name == "ENTRYPOINT" for node in nodes)
    program = start.program
    if (image.drops and not own_entrypoint) or image.drops.startswith("server:"):
        return "drops-privileges", f"{image.reference} leaves root by itself"
    if facts.mentions(*_DROPPING_NAMES) and any(re.search(_DROPPING, text) for text in texts):
        return "drops-privileges", "a program that changes the user is there"
    if facts.mentions("docker.", "docker-c", "dockerd") and any(re.search(_DOCKER, text) for text in texts):
        return "docker-socket", "the container talks to Docker, which is root's"
    if any(view.stage in stage.chain for name in _MAKES_USERS for view, _ in facts.commands(name)):
        return "creates-users", "the file makes accounts, of which nobody says what they are for"
    if program in _DAEMONS:
        return "needs-root", f"{program} has to start as root"
    for node in nodes if facts.mentions("/root", "~/", "$home", "${home") else ():
        if node.name in ("RUN", "COPY", "ADD", "ENV", "WORKDIR", "CMD", "ENTRYPOINT") and re.search(
            _ROOTS_HOME, _but_removals(facts, node)
        ):
            return "home-of-root", f"line {node.start_line} has to do with root's home, where nobody else may look"
    for key in facts.config(stage):
        if key.startswith("expose:"):
            port = key[7:].partition("/")[0].partition("-")[0]
            if not port.isdigit():
                return "port-unknown", f"EXPOSE {port} has a value only the build knows"
            if int(port) < _FIRST_OPEN_PORT:
                return "privileged-port", f"port {port} is below 1024"
    for word in start.words[1:]:
        match = re.match(_PORT_WORD, word)
        if (match is not None and word in ("80", "443")) or (
            match is not None and ":" in word and int(match[1]) < 1024
        ):
            return "privileged-port", f"{word} is a port below 1024"
    found = unknown_run(facts, stage)
    if found is not None:
        view, what = found
        return "run-unknown", f"what line {view.instruction.start_line} leaves behind is not known: {what}"
    return None


def _but_removals(facts: Facts, node: Instruction) -> str:
    """The text of an instruction, of a RUN without the ``rm`` in it: what is gone nobody has to read."""
    view = facts.script(node)
    if view is None or view.opaque is not None or view.script.error:
        return node.rest
    text = view.script.text
    for command in reversed(view.commands):
        if base_name(command.name or "") == "rm" and not command.redirects:
            text = text[: command.start] + text[command.end :]
    return text


def _app_plan(
    facts: Facts, stage: Stage, image: BaseImage, app: Known[App], context: Context, launch: Launch
) -> Plan | tuple[str, str]:
    """What the application tells, and the plan."""
    from dockopt.api import declared_folders, is_system
    from dockopt_transforms.security._writes import creates_files, named_in, named_in_sources

    program = launch.program
    value = app.value
    if program in _DAEMONS:
        return "needs-root", f"{program} has to start as root"
    problem = (
        _command_problem(launch, value)
        or _script_problem(context, launch)
        or _port_problem(facts, stage, value, program)
    )
    if problem is not None:
        return problem
    workdir = facts.states.of_stage(stage).end.workdir
    if not isinstance(workdir, Known):
        return "workdir-shared", workdir.reason
    if is_system(workdir.value) and not image.minimal:
        made_in = (
            "its language says nothing about it" if value.ecosystem not in _SCANNED else creates_files(context, value)
        )
        if made_in is not None:
            return (
                "workdir-shared",
                f"the working directory is not the program's own, and it may write there: {made_in}",
            )
    folders_made = declared_folders(facts, stage)
    if not isinstance(folders_made, Known):
        return "run-unknown", folders_made.reason
    # A folder of the build context that RUN makes before COPY does holds sources: ``src`` with a stub for cargo.
    made = [
        each.path
        for each in folders_made.value
        if each.path not in _TEMPORARY
        and (each.evidence.endswith("VOLUME") or facts.context_file(each.path, stage) is None)
    ]
    if image.minimal and made:
        return "base-unknown", f"{image.reference} has no command to give {made[0]} to a user"
    own = [] if is_system(workdir.value) or image.minimal else [workdir.value]
    folders = list(dict.fromkeys([*own, *made]))
    env = {
        key: text
        for key, text in launch.env.items()
        if text and not key.endswith(("PATH", "_HOME", "VIRTUAL_ENV", "_ENVIRONMENT")) and image.env.get(key) != text
    }
    stray = named_in((*launch.argv[1:], *env.values()), (*folders, workdir.value)) or named_in_sources(
        context, value, (*folders, workdir.value)
    )
    if stray is not None:
        return "writes-elsewhere", f"{stray}, in no folder that would be the program's own"
    mounted = _mounted(context, folders, stage.name)
    if mounted is not None:
        return mounted
    targets = _copies(facts, stage, workdir.value)
    copies = [node for node, _ in targets]
    late = _made_again(facts, stage, copies, folders) or _built_after(facts, stage, copies, context, image, value)
    if late is not None:
        return late
    account = account_for(image, home=program in _INTERPRETED)
    if account is None:
        return "base-unknown", f"{image.reference} has no account of its own and no command known to make one"
    shell = facts.states.of_stage(stage).end.shell
    if (account.commands or folders) and not posix_shell(shell):
        return "base-unknown", "SHELL is none that dockopt knows"
    owned = (*folders, *(glob for _, path in targets for glob in _copied(path, workdir.value)))
    return Plan(account, folders, copies, tuple(dict.fromkeys(owned)), (image.evidence, app.evidence, launch.evidence))


def _command_problem(launch: Launch, app: App) -> tuple[str, str] | None:
    program, argv = launch.program, launch.argv
    built = app.ecosystem in _COMPILED and "/" in argv[0]
    if program not in _INTERPRETED and not built:
        return "command-unknown", f"what {program} does is not known"
    installing = next((name for name in launch.wrappers if name in ("uv", "pipenv", "npx", "bunx")), None)
    if installing is not None:
        return "command-unknown", f"{installing} may install something when it starts"
    if program == "dotnet" and argv[1:2] in (("run",), ("watch",), ("test",)):
        return "command-unknown", f"dotnet {argv[1]} builds when it starts"
    command = app.details.get("command")
    words = tuple(command.value.split()) if command is not None else argv
    if app.ecosystem == "node" and (develops(words) or develops(argv)):
        return "command-unknown", f"{' '.join(words)} writes beside the sources: a command to develop with"
    return None


def _script_problem(context: Context, launch: Launch) -> tuple[str, str] | None:
    for name in launch.scripts:
        text = context.text(name)
        script = parse_script(text.value) if isinstance(text, Known) else None
        if script is None or script.error:
            return "command-unknown", f"{name} is not read"
        for command in script.commands:
            word = base_name(command.name or "")
            if command.redirects and any(
                ">" in part.text and "/dev/" not in part.text and "&" not in part.text for part in command.redirects
            ):
                return "script-writes", f"{name} writes a file"
            if word and word not in _SCRIPT_HARMLESS and word not in _INTERPRETED and word != launch.program:
                return "script-writes", f"{name} runs {word}"
    if any(base_name(word) in ("gosu", "su-exec", "setpriv") for word in launch.wrappers):
        return "drops-privileges", "the start command changes the user itself"
    return None


def _port_problem(facts: Facts, stage: Stage, app: App, program: str) -> tuple[str, str] | None:
    if isinstance(app.port, Known):
        if app.port.value < _FIRST_OPEN_PORT:
            return "privileged-port", f"port {app.port.value} is below 1024 ({app.port.evidence})"
        return None
    exposed = any(key.startswith("expose:") for key in facts.config(stage))
    if not exposed and program not in _WORKERS:
        return "port-unknown", app.port.reason
    return None


def _copies(facts: Facts, stage: Stage, workdir: str) -> list[tuple[Instruction, str]]:
    """The COPY and ADD of the final stage that put files below the working directory and name no owner, and where."""
    found: list[tuple[Instruction, str]] = []
    for node in stage.instructions:
        if node.name not in ("COPY", "ADD") or node.flag("chown") is not None or len(node.args) < 2:
            continue
        state = facts.state(node)
        target = expand_known(node.args[-1], state.env, node.escape)
        if target is None or not isinstance(state.workdir, Known):
            continue
        path = posixpath.normpath(posixpath.join(state.workdir.value, target))
        if workdir != "/" and (path == workdir or path.startswith(workdir.rstrip("/") + "/")):
            found.append((node, path))
    return found


def _copied(path: str, workdir: str) -> Iterator[str]:
    """Globs of what COPY gives to the owner it names: files, and the folders it makes on the way to them."""
    yield f"{path}/**"
    while (path := posixpath.dirname(path)).startswith(workdir + "/"):
        yield path


def _made_again(facts: Facts, stage: Stage, copies: list[Instruction], folders: list[str]) -> tuple[str, str] | None:
    """A ``mkdir`` that would find its folder made already, where that is made and given away above the first COPY."""
    order = {node.id: index for index, node in enumerate(stage.instructions)}
    first = min((order[node.id] for node in copies), default=len(order))
    for view in facts.scripts:
        if view.stage is not stage or order[view.instruction.id] < first:
            continue
        workdir = facts.state(view.instruction).workdir
        here = workdir.value if isinstance(workdir, Known) else "/"
        for command in view.commands:
            if base_name(command.name or "") != "mkdir" or any(
                re.match(r"-\w*p|--parents", word.text) for word in command.args
            ):
                continue
            if any(
                value is None or posixpath.normpath(posixpath.join(here, value)) in folders
                for value in command.values[1:]
            ):
                line = view.instruction.start_line
                return "run-unknown", f"mkdir in line {line} fails, without -p, where the folder is there already"
    return None


def _built_after(
    facts: Facts, stage: Stage, copies: list[Instruction], context: Context, image: BaseImage, app: App
) -> tuple[str, str] | None:
    order = {node.id: index for index, node in enumerate(stage.instructions)}
    first = min((order[node.id] for node in copies), default=len(order))
    whole = min((order[node.id] for node in copies if _takes_all(node)), default=len(order))
    # A rule that hides .git may be there in the next run only: whether it is sent must not decide.
    repository = context.exists(".git") or context.hidden(".git") is not None
    major = re.match(r"\d+", image.tag)
    new = int(major[0]) >= _NPM_STAYS_ROOT if major is not None else image.tag.partition("-")[0] in _NEWEST_NODE
    old_npm = image.name != "node" or not new
    for view in facts.scripts:
        if view.stage is not stage:
            continue
        position, line = order[view.instruction.id], view.instruction.start_line
        for command in view.commands:
            name = base_name(command.name or "")
            if position > first and _leaves_files(name, command, app):
                return (
                    "built-after-copy",
                    f"{name} in line {line} leaves files that are root's where the program writes",
                )
            if position > first and name in ("npm", "npx") and old_npm:
                return "built-after-copy", f"npm before 9 runs scripts as the owner of the folder (line {line})"
            local = name in ("pip", "pip3") and any(word.text in (".", "-e") for word in command.args)
            if position > whole and repository and (name in _ASKS_GIT or local):
                return "built-after-copy", f"line {line} may ask git, which answers root only for root's folders"
    return None


def _leaves_files(name: str, command: Command, app: App) -> bool:
    """Whether a build step makes files beside the sources that the program will write to: caches, logs, ``tmp``."""
    values = command.values
    if name in ("rake", "rails") or (name in ("bundle", "bundler") and "exec" in values):
        return True
    framework = app.framework.value if isinstance(app.framework, Known) else ""
    runs = name in ("npm", "yarn", "pnpm", "bun", "npx", *_WRITES_BESIDE) and not {
        "install",
        "ci",
        "i",
        "add",
        "cache",
    } & set(values)
    return runs and framework in _WRITES_BESIDE


def _mounted(context: Context, folders: list[str], stage: str | None) -> tuple[str, str] | None:
    """What compose puts in the place of the image's own folders, or gives the container that only root can use."""
    for build in context.builds:
        if build.target not in ("", "?", stage):
            continue
        where = build.evidence.rpartition(".")[0]
        if build.rights:
            return "needs-root", f"{where} gives the container {build.rights}"
        for mount in build.mounts:
            path = mount.removeprefix("volume:")
            if path.endswith("docker.sock"):
                return "docker-socket", f"{where} mounts Docker's socket, which is root's"
            # A new volume gets the owner of the folder it covers; a folder of the host has its own.
            if mount.startswith("volume:") and (path in folders or path.endswith("/node_modules")):
                continue
            if path in _TEMPORARY or not path.startswith("/"):
                continue
            return "mounted-folder", f"{where} mounts {path}, whose owner the image does not decide"
    return None


def _takes_all(node: Instruction) -> bool:
    """Whether a COPY may bring the repository's own folder."""
    return node.flag("from") is None and any(
        source.rstrip("/") in ("", ".", "*") or ".git" in source or source.startswith("$") for source in node.args[:-1]
    )


def _proposal(document: Document, facts: Facts, stage: Stage, where: Instruction, plan: Plan) -> Proposal:
    account = plan.account
    commands = list(account.commands)
    before = plan.copies[0] if plan.copies else _first_copy(facts, stage)
    there = _there(facts, stage, before) | _made(facts, stage, before)
    if not plan.copies and before is not None and not there.issuperset(plan.folders):
        before = None  # a RUN further down makes them, and would find them there
        there = _there(facts, stage, before) | _made(facts, stage, before)
    missing = [folder for folder in plan.folders if folder not in there]
    added = [f"{folder}/**" for folder in missing]
    if account.commands:
        added += [*RECORDS, f"/home/{NAME}/**"]
    if missing:
        commands.append(f"mkdir -p {' '.join(missing)}")
    if plan.folders:
        commands.append(f"chown {account.owner} {' '.join(plan.folders)}")

    def edit(editor: Editor) -> None:
        if commands:
            joint = operator_break(document)
            text = f"{document.keyword('RUN')} {joint.join(commands)}{editor.eol}"
            if before is None:
                insert_late(editor, stage, text)
            else:
                above, blank = lead(document, before)
                editor.insert_before(above, text + (editor.eol if blank else ""))
        for node in plan.copies:
            owner = account.numeric if node.flag("link") is not None and account.numeric else account.owner
            at = node.keyword_start + len(node.keyword)
            editor.splice(node, [(at, at, f" --chown={owner}")])
        insert_late(editor, stage, f"{document.keyword('USER')} {account.user}{editor.eol}")

    return Proposal(
        (where, *plan.copies),
        f"run as {account.user}, not as root",
        edit,
        safety=Safety.UNSAFE,
        effects=Effects(
            config=("user",), files_added=tuple(added), files_owned=plan.owned, layers=1 if commands else 0
        ),
        evidence=plan.evidence,
    )


def _made(facts: Facts, stage: Stage, before: Instruction | None) -> set[str]:
    """The folders that a RUN has made before an instruction of the stage."""
    found: set[str] = set()
    for member in reversed(stage.chain):
        for node in member.instructions:
            if node is before:
                return found
            view = facts.script(node) if node.name == "RUN" else None
            for command in view.commands if view is not None and view.opaque is None else ():
                if command.name == "mkdir" and command.top:
                    found.update(value for value in command.values[1:] if value and value.startswith("/"))
    return found


def _first_copy(facts: Facts, stage: Stage) -> Instruction | None:
    """The first COPY or ADD of the stage, below which every change of a file would make the account anew.

    None where one may bring accounts of its own.
    """
    found: Instruction | None = None
    for node in stage.instructions:
        if node.name not in ("COPY", "ADD") or not node.args:
            continue
        state = facts.state(node)
        target = expand_known(node.args[-1], state.env, node.escape)
        if target is None or not isinstance(state.workdir, Known):
            return None
        path = posixpath.normpath(posixpath.join(state.workdir.value, target))
        if path == "/" or (path + "/").startswith("/etc/"):
            return None
        found = found or node
    return found


def _there(facts: Facts, stage: Stage, before: Instruction | None) -> set[str]:
    """The folders that WORKDIR has made before an instruction of the stage."""
    found: set[str] = set()
    for member in reversed(stage.chain):
        for node in member.instructions:
            workdir = facts.state(node).workdir
            if isinstance(workdir, Known):
                found.add(workdir.value)
            if node is before:
                return found
    if before is None:
        end = facts.states.of_stage(stage).end.workdir
        if isinstance(end, Known):
            found.add(end.value)
    return found
