"""Ports and health routes of Node servers: literal calls in the entry file and the files it requires.

Express, Fastify, Koa's router, Hono, Next and Nest. A path, port or prefix that is no literal, and a name
that is not assigned in the same file, is not followed.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App, Launch, best_health, valid_port
from dockopt.facts.app.reading import join, load_json
from dockopt.facts.app.source import Found, first, mask, search
from dockopt.facts.value import Known, Unknown
from dockopt.shell.script import parse_script

if TYPE_CHECKING:
    from dockopt.facts.app.launch import ImageFiles
    from dockopt.facts.context import Context
    from dockopt.facts.stages import Stage

_MAKER = re.compile(
    r"(?:const|let|var)\s+(\w+)\s*(?::\s*[\w.<>]+)?\s*=\s*(?:await\s+)?"
    r"(?:new\s+)?\(?(?:express\.Router|express|fastify|Fastify|Router|KoaRouter|Hono|restify\.createServer|Koa|Elysia"
    r"|require\(\s*['\"](?:express|fastify|koa|@koa/router|koa-router)['\"]\s*\)(?:\.Router)?\)?)\s*(?:<[^>]*>)?\("
)
_LISTEN = re.compile(r"\b(\w+)\s*\.listen\(\s*([^()\n]*(?:\((?:[^()\n]|\([^()\n]*\))*\)[^()\n]*)*)")
_GET = re.compile(r"\b(\w+)\s*\.(?:get|all)\(\s*(['\"`])(/[^'\"`$]*)\2\s*(,\s*[\w.]+)?")
_USE = re.compile(
    r"\b(?P<on>\w+)\s*\.(?P<verb>use|route|register)\(\s*(?:(?P<quote>['\"`])(?P<path>/[^'\"`$]*)(?P=quote)\s*,\s*)?"
    r"(?:require\(\s*['\"](?P<file>\.{1,2}/[^'\"]+)['\"]\s*\)|(?P<name>\w+))"
    r"(?:\s*,\s*\{[^{}]*?\bprefix\s*:\s*['\"](?P<prefix>/[^'\"]*)['\"])?"
)
_IMPORT = re.compile(
    r"(?:import\s+(?:(\w+)\s*,?\s*)?(?:\{([^{}]*)\}\s*)?from\s*"
    r"|(?:const|let|var)\s+(?:(\w+)|\{([^{}]*)\})\s*=\s*require\(\s*)['\"](\.{1,2}(?:/[^'\"]+)?)['\"]"
)
_PARAMETER = r"(?:async\s*)?(?:function\s*\w*\s*)?\(\s*(\w+)\s*[:,)]"
# A hook or a handler in place that answers for everything behind it.
_REFUSES = re.compile(
    r"\b(\w+)\s*\.(?:addHook\(\s*['\"](?:onRequest|preHandler|preValidation)['\"]|use\(\s*(?:async\s*)?(?:function\s*)?\()"
)
_GUARDED = re.compile(r"auth|jwt|passport|session|token|login|protect", re.I)
_FIXED = {"next": 3000, "nuxt": 3000, "serve": 3000, "vite": 4173, "gatsby": 9000}
_EXTENSIONS = ("", ".js", ".ts", ".mjs", ".cjs", ".mts", "/index.js", "/index.ts")


def serve(app: App, context: Context, files: ImageFiles, stage: Stage, launch: Launch) -> App:
    """The app with what its start command says of entry, port and health route."""
    command = _resolve(app, context, launch.argv, 0)
    if isinstance(command, Unknown):
        return app._replace(port=command, health=command)
    argv = command.value
    app = app._replace(details={**app.details, "command": Known(" ".join(argv), command.evidence)})
    program = posixpath.basename(argv[0])
    framework = app.framework.value if isinstance(app.framework, Known) else ""
    if program in _FIXED:
        port = _flag_port(argv, launch, _FIXED[program], command.evidence)
        health = (
            _next_health(app, context)
            if program == "next"
            else Unknown(f"{program} serves pages, no health route is known")
        )
        return app._replace(server=Known(program, command.evidence), port=port, health=health)
    script = _script(argv)
    if script is None:
        why = Unknown(f"{command.evidence} runs {program}, from which dockopt reads no server")
        return app._replace(port=why, health=why)
    name = _locate(script, app, context, files, stage, launch)
    if name is None:
        if framework == "next" and posixpath.basename(script) == "server.js":
            # Next's standalone output; PORT is documented, 3000 its default.
            return app._replace(
                port=_env_port(launch, "PORT", 3000, command.evidence), health=_next_health(app, context)
            )
        why = Unknown(f"{command.evidence} runs {script}, of which no source is in the build context")
        return app._replace(port=why, health=why)
    app = app._replace(details={**app.details, "source": Known(name, command.evidence)})
    text = context.text(name)
    if isinstance(text, Unknown):
        return app._replace(port=text, health=text)
    masked = mask(text.value)
    port = _listens(masked, name, launch)
    if framework == "@nestjs/core":
        return app._replace(port=port, health=_nest_health(app, context, masked, name))
    routes = _Routes(context)
    routes.collect(name, masked, "", "", None, 0)
    best = best_health(routes.found)
    if best is None:
        reason = (
            f"a health route is there, but not open to a probe: {routes.guarded[0]}"
            if routes.guarded
            else f"{name} has no literal route like /health"
        )
        return app._replace(port=port, health=Unknown(reason))
    return app._replace(port=port, health=best)


def _resolve(app: App, context: Context, argv: tuple[str, ...], depth: int) -> Known[tuple[str, ...]] | Unknown:
    """Through ``npm start`` and its like to the command of the script."""
    program = posixpath.basename(argv[0])
    if program not in ("npm", "yarn", "pnpm", "bun") or depth > 4:
        return Known(argv, "the start command" if depth == 0 else app.evidence)
    words = [word for word in argv[1:] if not word.startswith("-")]
    if words[:1] == ["run"] or words[:1] == ["run-script"]:
        words = words[1:]
    name = words[0] if words else "start"
    package = load_json(context, app.evidence)
    if isinstance(package, Unknown):
        return package
    scripts = package.value.get("scripts")
    text = scripts.get(name) if isinstance(scripts, dict) else None
    if not isinstance(text, str):
        if name == "start" and context.is_file(join(app.root, "server.js")):
            return Known(("node", "server.js"), f"{app.evidence}, npm's default for start")
        return Unknown(f"{app.evidence} has no script {name}")
    script = parse_script(text)
    if (
        script.error
        or not script.commands
        or script.items[-1].kind != "command"
        or any(i.operator == "||" for i in script.items)
    ):
        return Unknown(f"{app.evidence}: the script {name} is no list of plain commands")
    values = [word.value if word.value is not None else word.text for word in script.commands[-1].words]
    while values and (values[0] in ("npx", "cross-env", "dotenv", "--", "exec") or re.match(r"\w+=", values[0])):
        values = values[1:]
    if not values:
        return Unknown(f"{app.evidence}: the script {name} runs nothing")
    inner = _resolve(app, context, tuple(values), depth + 1)
    return Known(inner.value, f"{app.evidence}: script {name}") if isinstance(inner, Known) else inner


def _script(argv: tuple[str, ...]) -> str | None:
    program = posixpath.basename(argv[0])
    if program not in ("node", "nodejs", "ts-node", "tsx", "nodemon", "pm2-runtime", "bun", "nest"):
        return None
    if program == "nest":
        return "dist/main.js"
    skip = False
    for word in argv[1:]:
        if skip:
            skip = False
        elif word in ("-r", "--require", "--import", "--loader", "--env-file", "-e", "--experimental-loader"):
            skip = True
        elif not word.startswith("-") and word not in ("run", "start"):
            return word
    return "."


def _locate(script: str, app: App, context: Context, files: ImageFiles, stage: Stage, launch: Launch) -> str | None:
    """The source of a script: itself, or for a built one the file under ``src`` it is made from."""
    main = app.details.get("main")
    candidates = [script]
    if script == ".":
        candidates = [main.value] if main is not None else ["index.js"]
    for one in list(candidates):
        stem = re.sub(r"\.[cm]?js\Z", "", one.removeprefix("./"))
        folder, _, rest = stem.partition("/")
        if rest and folder in ("dist", "build", "out", "lib"):
            candidates += [
                f"{base}{rest.removeprefix('src/')}.{kind}" for base in ("src/", "") for kind in ("ts", "js", "mts")
            ]
            candidates += [f"src/{stem.rsplit('/', 1)[-1]}.ts"]
    for one in candidates:
        for extension in _EXTENSIONS:
            found = files.find(posixpath.normpath(posixpath.join(launch.cwd, one + extension)), stage)
            if found is None:
                inner = posixpath.normpath(join(app.root, one + extension))
                found = inner if not inner.startswith("..") and context.is_file(inner) else None
            if found is not None and context.is_file(found):
                return found
    return None


def _flag_port(argv: tuple[str, ...], launch: Launch, default: int, where: str) -> Known[int] | Unknown:
    for index, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in ("-p", "--port", "-l", "--listen"):
            given = value if equals else argv[index + 1] if index + 1 < len(argv) else ""
            port = valid_port(given.rpartition(":")[2])
            return (
                Known(port, where)
                if port is not None
                else Unknown(f"{where}: the port {given} is not known before the run")
            )
    return _env_port(launch, "PORT", default, where)


def _env_port(launch: Launch, name: str, default: int, where: str) -> Known[int] | Unknown:
    if name not in launch.env:
        return Known(default, f"{where}, where {default} is the default")
    port = valid_port(launch.env[name])
    return Known(port, f"ENV {name}") if port is not None else Unknown(f"{name} has no known value")


def _listens(masked: str, name: str, launch: Launch) -> Known[int] | Unknown:
    ports: list[Known[int]] = []
    for found in search(_LISTEN, masked, name):
        port = _evaluate(found.match[2], masked, launch, 0)
        if port is None:
            return Unknown(f"{found.where}: the port is an expression dockopt does not evaluate")
        ports.append(Known(port, found.where))
    if not ports:
        return Unknown(f"{name} has no call of listen")
    if len({port.value for port in ports}) > 1:
        return Unknown(f"{name} listens on several ports: {', '.join(str(port.value) for port in ports)}")
    return ports[0]


def _evaluate(text: str, masked: str, launch: Launch, depth: int) -> int | None:
    """The port of ``3000``, ``process.env.PORT || 3000``, ``{ port: PORT, host: … }`` or a name assigned such."""
    text = text.strip()
    options = re.match(r"\{(?:[^}]*?[,{\s])?port\s*(?::\s*([^,}]+)|(?=[,}]))", text)
    if options is not None:
        text = (options[1] or "port").strip()
    elif text.startswith("{"):
        return None
    else:
        text = _argument(text)
    text = re.sub(r"\A(?:Number|parseInt|\+)\s*\(?\s*", "", text)
    env = re.search(r"process\.env\.(\w+)|process\.env\[['\"](\w+)['\"]\]", text)
    number = re.search(r"(?:\|\||\?\?|\?[^:]*:)\s*['\"]?(\d{2,5})\b", text)
    if env is not None:
        name = env[1] or env[2]
        if name in launch.env:
            return valid_port(launch.env[name])
        return valid_port(number[1]) if number is not None else None
    plain = re.match(r"['\"]?(\d{1,5})['\"]?(?=[\s,)]|\Z)", text)
    if plain is not None:
        return valid_port(plain[1])
    word = re.match(r"([A-Za-z_]\w*)(?=[\s,)]|\Z)", text)
    if word is None or depth > 2:
        return None
    assigned = re.findall(rf"(?:const|let|var)\s+{word[1]}\s*(?::\s*[\w |]+)?=\s*([^;\n]+)", masked)
    return _evaluate(assigned[0], masked, launch, depth + 1) if len(assigned) == 1 else None


def _argument(text: str) -> str:
    """The first of a list of arguments: up to a comma outside brackets."""
    depth = 0
    for index, ch in enumerate(text):
        depth += ch in "([{"
        depth -= ch in ")]}"
        if ch == "," and depth == 0:
            return text[:index]
    return text


class _Routes:
    """The literal GET routes of a file's application or router, and of the routers it mounts."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.found: list[Known[str]] = []
        self.guarded: list[str] = []  #: health routes that are there, with what stands before them
        self._seen: set[tuple[str, str, str | None]] = set()

    def collect(
        self, name: str, masked: str, prefix: str, wall: str, exported: str | None, depth: int, plugin: bool = False
    ) -> None:
        """:param wall: what every route of the file is behind; empty for nothing
        :param exported: the name under which the file is imported, empty for its default, None for the entry file
        :param plugin: it may be a function that is handed the application, as Fastify's are
        """
        if depth > 6 or (name, prefix, exported) in self._seen:
            return
        self._seen.add((name, prefix, exported))
        makers = {one.match[1] for one in search(_MAKER, masked, name)}
        imports = _imports(masked)
        if not makers and exported is None:
            # Express's generator keeps listen in bin/www and the application in app.js.
            for target, inner in imports.values():
                self._follow(name, target, prefix, wall, inner, 1, False)
            return
        if exported is not None:
            makers = _exported(masked, makers, exported) or (_plugin(masked, exported) if plugin else set())
        if not makers:
            return
        walls = [(0, "", wall)] if wall else []
        for one in search(_REFUSES, masked, name):
            if one.match[1] in makers and re.search(r"\b40[13]\b", masked[one.match.start() : one.match.start() + 400]):
                walls.append((one.match.start(), "", f"{one.where} may refuse"))
        uses = [one for one in search(_USE, masked, name) if one.match["on"] in makers]
        prefixes: dict[str, str] = {}
        for use in uses:
            path, inner = use.match["path"] or "", use.match["name"]
            full = prefix.rstrip("/") + (path or use.match["prefix"] or "")
            if inner in makers:
                prefixes[inner] = path
                continue
            target, export = imports.get(inner, ("", "")) if inner else (use.match["file"], "")
            before = _wall(walls, use.match.start(), full)
            plugin = use.match["verb"] == "register"
            if target and self._follow(name, target, full, before, export, depth + 1, plugin):
                continue
            if inner and _GUARDED.search(inner):
                walls.append((use.match.start(), full, f"{use.where} uses {inner}"))
        for route in search(_GET, masked, name):
            if route.match[1] in makers:
                base = prefix.rstrip("/") + prefixes.get(route.match[1], "")
                full = base.rstrip("/") + route.match[3]
                self._add(full, route, _wall(walls, route.match.start(), full), masked)

    def _follow(self, name: str, target: str, prefix: str, wall: str, exported: str, depth: int, plugin: bool) -> bool:
        """Whether another file has a router of that name, or a plugin; its routes are collected."""
        file = _import(self.context, name, target)
        text = self.context.text(file) if file is not None else None
        if file is None or not isinstance(text, Known):
            return False
        masked = mask(text.value)
        makers = {one.match[1] for one in search(_MAKER, masked, file)}
        if not _exported(masked, makers, exported) and not (plugin and _plugin(masked, exported)):
            return False
        self.collect(file, masked, prefix, wall, exported, depth, plugin)
        return True

    def _add(self, full: str, route: Found, wall: str, masked: str) -> None:
        if best_health([Known(full, route.where)]) is None:
            return
        if wall:
            self.guarded.append(f"{full} ({route.where}): {wall}")
        elif route.match[4] and _GUARDED.search(route.match[4]):
            self.guarded.append(f"{full} ({route.where}): behind {route.match[4].lstrip(', ')}")
        elif re.match(
            r"\s*,\s*\{[^=]*?\b(?:preHandler|onRequest|preValidation)\b",
            masked[route.match.end(3) + 1 : route.match.end() + 300],
        ):
            self.guarded.append(f"{full} ({route.where}): a handler stands before it")
        else:
            self.found.append(Known(full, route.where))


def _wall(walls: list[tuple[int, str, str]], position: int, path: str) -> str:
    """What stands before a route at a position of the file."""
    for start, prefix, what in walls:
        if start <= position and (path + "/").startswith(prefix.rstrip("/") + "/"):
            return what
    return ""


def _imports(masked: str) -> dict[str, tuple[str, str]]:
    """Names that stand for something of another file: the file, and its name there, empty for the default."""
    found: dict[str, tuple[str, str]] = {}
    for match in _IMPORT.finditer(masked):
        default, names = match[1] or match[3], match[2] or match[4] or ""
        if default:
            found[default] = (match[5], "")
        for one in names.split(","):
            words = one.replace(":", " as ").split()
            if len(words) == 3 and words[1] == "as":
                found[words[2]] = (match[5], "" if words[0] == "default" else words[0])
            elif len(words) == 1:
                found[words[0]] = (match[5], words[0])
    return found


def _exported(masked: str, makers: set[str], name: str) -> set[str]:
    """The variable of a file that it exports under a name."""
    if not name:
        default = re.search(r"(?:module\.exports\s*=|export\s+default)\s+(\w+)", masked)
        return {default[1]} & makers if default is not None else makers
    if name in makers:
        return {name}
    renamed = re.search(rf"\b(\w+)\s+as\s+{name}\b|\b{name}\s*:\s*(\w+)", masked)
    return {renamed[1] or renamed[2]} & makers if renamed is not None else set()


def _plugin(masked: str, name: str) -> set[str]:
    """The parameter that stands for the application in a function that a file exports: Fastify's plugins."""
    patterns: tuple[str, ...]
    if name:
        patterns = (
            rf"\bfunction\s+{name}\s*\(\s*(\w+)\s*[:,)]",
            rf"\b(?:const|let|var)\s+{name}\s*(?::[^=\n]+)?=\s*{_PARAMETER}",
        )
    else:
        patterns = (rf"(?:export\s+default|module\.exports\s*=)\s*{_PARAMETER}",)
    return {match[1] for pattern in patterns for match in re.finditer(pattern, masked)}


def _import(context: Context, name: str, target: str) -> str | None:
    base = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    stems = [base, re.sub(r"\.[cm]?js\Z", "", base)]
    return next((stem + ext for stem in stems for ext in _EXTENSIONS if context.is_file(stem + ext)), None)


def _next_health(app: App, context: Context) -> Known[str] | Unknown:
    """Next's file routes: ``app/api/health/route.ts`` and ``pages/api/health.ts``."""
    for name in context.names(app.root):
        if name.startswith(("middleware.", "proxy.")):
            return Unknown(f"{join(app.root, name)} may answer a probe itself")
        if name.startswith("next.config"):
            text = context.text(join(app.root, name))
            if isinstance(text, Unknown):
                return text
            if re.search(r"\bbasePath\b|\btrailingSlash\b", mask(text.value)):
                return Unknown(f"{join(app.root, name)} changes the paths")
    found: list[Known[str]] = []
    for base in ("", "src/"):
        if context.is_dir(join(app.root, base + "middleware.ts")) or context.is_file(
            join(app.root, base + "middleware.ts")
        ):
            return Unknown(f"{join(app.root, base + 'middleware.ts')} may answer a probe itself")
        prefix = "" if app.root == "." else app.root + "/"
        for name in context.listing.files:
            match = re.fullmatch(
                rf"{re.escape(prefix + base)}(?:app/((?:[\w-]+/)*[\w-]+)/route|pages/(api/(?:[\w-]+/)*[\w-]+))\.[jt]s",
                name,
            )
            if match is not None:
                found.append(Known("/" + (match[1] or match[2]), name))
    return best_health(found) or Unknown("there is no file route by a name like health")


def _nest_health(app: App, context: Context, main: str, name: str) -> Known[str] | Unknown:
    """Nest's controllers: ``@Controller('health')`` with ``@Get()``, below a literal global prefix."""
    if "enableVersioning" in main or "useGlobalGuards" in main:
        return Unknown(f"{name}: versions or guards change what a probe gets")
    prefix = ""
    if "setGlobalPrefix" in main:
        literal = first(re.compile(r"setGlobalPrefix\(\s*['\"]([^'\"]+)['\"]\s*\)"), main, name)
        if literal is None:
            return Unknown(f"{name}: the global prefix is no literal, or has exceptions")
        prefix = literal.value
    found: list[Known[str]] = []
    base = "" if app.root == "." else app.root + "/"
    for file in context.listing.files:
        if not file.startswith(base) or not file.endswith((".controller.ts", ".module.ts")) or "node_modules/" in file:
            continue
        text = context.text(file)
        masked = mask(text.value) if isinstance(text, Known) else ""
        if "APP_GUARD" in masked:
            return Unknown(f"{file}: a guard stands before every route")
        controllers = search(re.compile(r"@Controller\(\s*(?:['\"]([^'\"]*)['\"])?\s*\)"), masked, file)
        if len(controllers) != 1 or "@UseGuards" in masked:
            continue
        for get in search(re.compile(r"@Get\(\s*(?:['\"]([^'\"]*)['\"])?\s*\)"), masked, file):
            parts = [part.strip("/") for part in (prefix, controllers[0].match[1] or "", get.match[1] or "")]
            found.append(Known("/" + "/".join(part for part in parts if part), get.where))
    return best_health(found) or Unknown(f"no controller below {app.root} has a route like /health")
