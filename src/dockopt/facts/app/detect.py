"""Which applications a build context holds, and which of them the image runs."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from dockopt.facts.app import dotnet, golang, java, native, node, node_web, pyproject, rust, scripting, web
from dockopt.facts.app.launch import ImageFiles, Starter
from dockopt.facts.app.model import App, Launch, valid_port
from dockopt.facts.app.reading import join, load_json, load_text, load_toml, load_xml
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context
    from dockopt.facts.facts import Facts

_MAX_ROOTS = 24
_PROGRAMS = {
    "python": re.compile(r"python[\d.]*|uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|flask|fastapi|litestar|sanic|celery|streamlit|django-admin"),
    "node": re.compile(r"node|nodejs|npm|yarn|pnpm|bun|next|nuxt|nest|ts-node|tsx|nodemon|pm2-runtime|serve|vite"),
    "java": re.compile(r"java|catalina\.sh|mvnw?|gradlew?"),
    "dotnet": re.compile(r"dotnet"),
    "ruby": re.compile(r"ruby|rails|puma|rackup|unicorn|thin|falcon|sidekiq|rake|bundle"),
    "php": re.compile(r"php|php-fpm|apache2-foreground|apache2ctl"),
    "go": re.compile(r"go"),
    "rust": re.compile(r"cargo"),
}  # fmt: skip
#: How a manifest is read, by its name or the end of it.
_LOADERS = {
    "requirements.txt": load_text,
    "pyproject.toml": load_toml,
    "Pipfile": load_toml,
    "package.json": load_json,
    "go.mod": load_text,
    "Cargo.toml": load_toml,
    "pom.xml": load_xml,
    "build.gradle": load_text,
    "build.gradle.kts": load_text,
    ".csproj": load_xml,
    ".fsproj": load_xml,
    ".vbproj": load_xml,
    "Gemfile": load_text,
    "composer.json": load_json,
}
MANIFESTS = tuple(_LOADERS)
_TOOLS = ("uv", "poetry", "pipenv", "pdm", "pip", "pip3", "npm", "yarn", "pnpm", "bun")


def _read(context: Context, root: str, used: frozenset[str]) -> list[App]:
    """The applications whose manifests are in one folder."""
    readers = (
        pyproject.python(context, root, used),
        node.node(context, root, used),
        golang.go(context, root),
        rust.rust(context, root),
        java.maven(context, root),
        java.gradle(context, root),
        dotnet.dotnet(context, root),
        scripting.ruby(context, root),
        scripting.php(context, root),
        native.native(context, root),
    )
    return [app for app in readers if app is not None]


def _ends(name: str, ending: str) -> bool:
    return ending.startswith(".") and name.endswith(ending)


class Apps:
    """The applications of a build context, and the one the final stage runs."""

    def __init__(self, facts: Facts, context: Known[Context] | Unknown) -> None:
        self.facts = facts
        self._context = context
        self._elsewhere: dict[str, tuple[App, ...]] = {}
        value = context.value if isinstance(context, Known) else None
        self.launch: Known[Launch] | Unknown = Starter(facts, value).launch()
        self.all: tuple[App, ...] = self._found(value) if value is not None else ()
        self.main: Known[App] | Unknown = self._main(value)

    def _found(self, context: Context) -> tuple[App, ...]:
        used = self._used()
        return tuple(app for root in self._roots(context) for app in _read(context, root, used))

    def at(self, root: str) -> tuple[App, ...]:
        """The applications in one folder of the context, whether a COPY names it or not."""
        found = tuple(app for app in self.all if posixpath.normpath(app.root) == root)
        if found or isinstance(self._context, Unknown) or root in self._elsewhere:
            return found or self._elsewhere.get(root, ())
        self._elsewhere[root] = tuple(_read(self._context.value, root, self._used()))
        return self._elsewhere[root]

    def unread(self, names: tuple[str, ...] = MANIFESTS) -> str | None:
        """Why a manifest by one of these names, where COPY takes from, cannot be read: hidden, or broken.

        :param names: of :data:`MANIFESTS`. None where there is none such, or each can be read.
        """
        if isinstance(self._context, Unknown):
            return None
        context = self._context.value
        for root in self._roots(context):
            for name in context.all_names(root):
                loader = next((_LOADERS[one] for one in names if name == one or _ends(name, one)), None)
                if loader is None:
                    continue
                read = loader(context, join(root, name))
                if isinstance(read, Unknown):
                    return read.reason
        return None

    def _used(self) -> frozenset[str]:
        """The package managers the Dockerfile calls."""
        used = {name for name in _TOOLS if self.facts.commands(name) or self.facts.invocations(name)}
        if any("sync" in command.values or "pip" in command.values for _, command in self.facts.commands("uv")):
            used.add("uv")
        return frozenset({"pip" if name == "pip3" else name for name in used})

    def _roots(self, context: Context) -> list[str]:
        """Folders that may hold a manifest: those COPY, ADD and bind mounts name or take a file from."""
        from dockopt.facts.outside import local_sources

        roots: dict[str, None] = {}
        for source in local_sources(self.facts):
            matched = context.sources(source)
            for name in matched.value if isinstance(matched, Known) else ():
                roots[name if context.is_dir(name) else posixpath.dirname(name) or "."] = None
        files = ImageFiles(self.facts, context)
        for stage in self.facts.stages.all:
            places = {
                one.workdir.value
                for one in self.facts.states.of_stage(stage).before.values()
                if isinstance(one.workdir, Known)
            }
            end = self.facts.states.of_stage(stage).end.workdir
            for place in sorted(places | ({end.value} if isinstance(end, Known) else set())):
                found = files.find(place, stage) if place != "/" else None
                if found is not None and context.is_dir(found):
                    roots[found] = None
        return list(roots)[:_MAX_ROOTS]

    def _main(self, context: Context | None) -> Known[App] | Unknown:
        if context is None:
            return Unknown(self._context.reason) if isinstance(self._context, Unknown) else Unknown("")
        if context.ignore.error:
            return Unknown(f"Docker refuses the ignore file: {context.ignore.error}")
        chosen = self._choose(context)
        if isinstance(chosen, Unknown):
            return chosen
        app = chosen.value
        if isinstance(self.launch, Unknown):
            why = self.launch
            app = app._replace(server=why, app_object=why, port=why, health=why)
            if app.ecosystem == "python":
                app = app._replace(framework=why)
        else:
            app = self._served(app, context, self.launch.value)
        return Known(self._exposed(app), chosen.evidence)

    def _choose(self, context: Context) -> Known[App] | Unknown:
        if isinstance(self.launch, Known):
            launch = self.launch.value
            for ecosystem, pattern in _PROGRAMS.items():
                if pattern.fullmatch(launch.program):
                    own = [app for app in self.all if app.ecosystem == ecosystem]
                    if own:
                        return self._nearest(own, context, launch)
                    if ecosystem == "python":
                        return self._bare_python(context, launch)
                    if ecosystem == "java" and any(self.facts.commands("javac")):
                        return self._bare_java(context, launch)
            compiled = [app for app in self.all if app.ecosystem in ("go", "rust", "native")]
            if launch.argv[0].startswith(("/", "./")) and compiled:
                return self._nearest(compiled, context, launch)
        if len(self.all) == 1:
            return Known(self.all[0], self.all[0].evidence)
        if (
            not self.all
            and isinstance(self.launch, Known)
            and self.launch.value.program in ("nginx", "httpd-foreground")
        ):
            static = App(
                "static",
                ".",
                self.launch.evidence,
                Unknown("nothing is installed"),
                needs_sources=Known(False, "nothing is installed"),
            )
            return Known(static, self.launch.evidence)
        if not self.all:
            return Unknown(
                self.unread() or "the build context has no manifest that dockopt knows, where COPY takes from"
            )
        return Unknown(f"which of these the image runs is not known: {', '.join(app.evidence for app in self.all[:6])}")

    def _nearest(self, apps: list[App], context: Context, launch: Launch) -> Known[App] | Unknown:
        """Of several applications the one whose folder the image starts in."""
        if len(apps) > 1:
            here = ImageFiles(self.facts, context).find(launch.cwd, self.facts.stages.all[-1])
            while here is not None:
                inside = [app for app in apps if app.root == here]
                if inside:
                    apps = inside
                    break
                if here == ".":
                    break
                here = posixpath.dirname(here) or "."
        if len(apps) > 1:
            return Unknown(f"which of these the image runs is not known: {', '.join(app.evidence for app in apps[:6])}")
        return Known(apps[0], f"{apps[0].evidence}; {launch.evidence}")

    def _bare_python(self, context: Context, launch: Launch) -> Known[App] | Unknown:
        """Python without any manifest: a script of the context."""
        files = ImageFiles(self.facts, context)
        root = files.find(launch.cwd, self.facts.stages.all[-1])
        if root is None or not any(name.endswith(".py") for name in context.names(root)):
            return Unknown(
                self.unread() or "the build context has no manifest that dockopt knows, where COPY takes from"
            )
        app = App(
            "python",
            root,
            join(root, "*.py"),
            Unknown("there is no manifest"),
            needs_sources=Known(False, "there is nothing to install"),
        )
        return Known(app, launch.evidence)

    def _bare_java(self, context: Context, launch: Launch) -> Known[App] | Unknown:
        """Java without any manifest, which the Dockerfile compiles itself: sources of the context."""
        holders = [
            root
            for root in self._roots(context)
            if any(
                name.endswith(".java") and (root == "." or name.startswith(f"{root}/"))
                for name in context.listing.files
            )
        ]
        if not holders:
            return Unknown("the build context has no manifest that dockopt knows, where COPY takes from")
        root = holders[0] if len(holders) == 1 else "."
        sources = join(root, "*.java")
        return Known(
            App(
                "java",
                root,
                sources,
                Unknown("there is no manifest"),
                needs_sources=Known(True, f"{sources}: the sources are what javac compiles"),
                framework=Unknown(f"{sources} name no framework that dockopt knows"),
            ),
            f"{sources}; {launch.evidence}",
        )

    def _served(self, app: App, context: Context, launch: Launch) -> App:
        stage = self.facts.stages.all[-1]
        files = ImageFiles(self.facts, context)
        if not isinstance(app.entry, Known):
            app = app._replace(entry=Known(launch.argv, launch.evidence))
        if launch.program == "nginx":
            return web.nginx(app, context, files, stage, launch)
        if app.ecosystem == "python":
            from dockopt.facts.app.python import PythonReader

            facts = PythonReader(context, files, stage, launch).read()
            return app._replace(
                framework=facts.framework,
                server=facts.server,
                app_object=facts.app_object,
                port=facts.port,
                health=facts.health,
            )
        if app.ecosystem == "node":
            return node_web.serve(app, context, files, stage, launch)
        return web.serve(app, context, launch)

    def _exposed(self, app: App) -> App:
        """The port from EXPOSE, where the command and the code do not say it and exactly one is exposed."""
        if isinstance(app.port, Known):
            return app
        config = self.facts.config(self.facts.stages.all[-1])
        ports = [key.removeprefix("expose:") for key in config if key.startswith("expose:")]
        tcp = [port for port in ports if port.endswith("/tcp")]
        number = valid_port(tcp[0].removesuffix("/tcp")) if len(tcp) == 1 and len(ports) == 1 else None
        if (
            number is None
            or "worker" in app.port.reason
            or "FastCGI" in app.port.reason
            or "no plain HTTP" in app.port.reason
        ):
            return app
        return app._replace(port=Known(number, f"EXPOSE {number}"))
