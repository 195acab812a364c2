"""The ignore rules there are to choose from, and what speaks for and against each."""

from __future__ import annotations

import re
from typing import NamedTuple

_FLAGS = re.I | re.M


class Rule(NamedTuple):
    """One line of an ignore file."""

    pattern: str
    title: str  #: the comment it stands under
    needs: str = ""  #: suffix of a file that must be in the context: a language's sign
    made_by: tuple[str, ...] = ()  #: programs one of which the Dockerfile must call, since they make it again
    read_by: re.Pattern[str] | None = None  #: who may read it: held back where a text of the context matches
    run_by: re.Pattern[str] | None = None  #: the same, for the texts of Dockerfiles
    present: bool = False  #: only where there is such a file or folder
    own: str = ""  #: the folder whose own texts do not count for ``read_by``


_VERSIONS = "Version control"
_EDITORS = "Editors and operating systems"
_MADE = "Made by tools, and made again where needed"
_SECRETS = "Secrets and logs"
_UNUSED = "Not used in the image"

#: Tools and commands that ask the repository for a version or a revision.
_GIT = re.compile(
    r"setuptools[-_]scm|hatch-vcs|versioneer|versioningit|dunamai|dynamic-versioning|tool\.pdm\.version|\bpbr\b|gitpython"
    r"|simple-git|git-rev|gitinfo|isomorphic-git|vergen|\bgit2\b|^built\s*=|git-commit-id|palantir\.git-version|grgit|jgit"
    r"|SourceLink|MinVer|GitVersion|nbgv|Nerdbank|buildvcs=true|(?<![\w-])\.git/"
    r"|\bgit['\",\s]+(?:-C\s+\S+\s+)?(?:describe|rev-parse|rev-list|log|show|status|diff|ls-files|submodule|branch|tag|archive|config)\b",
    _FLAGS,
)
#: Libraries and build tools that read ``.env`` by themselves, and code that names it.
_DOTENV = re.compile(
    r"dotenv|environs|django-environ|decouple|pydantic[-_]settings|BaseSettings|env_file|starlette\.config|(?<![\w\])])\.env\b"
    r"|['\"](?:vite|next|nuxt|astro|react-scripts|gatsby|@vue/cli-service|@sveltejs/kit|@remix-run/dev|parcel)['\"]"
    r"|laravel/framework|symfony/|--env-file|\bbun\b",
    _FLAGS,
)
_TESTS = re.compile(
    r"^\s*(?:from|import)\s+\.*tests?(?=[\s.])|['\"](?:\.{1,2}/)*tests?/|['\"]tests?\.\w+|packages\s*=.*\btests?\b",
    _FLAGS,
)
_RUN_TESTS = re.compile(
    r"\b(?:pytest|tox|nox|unittest|jest|vitest|mocha|phpunit|tests)\b|\btest/|\b(?:npm|yarn|pnpm|bun|make|node|manage\.py)\s+(?:run\s+|--)?test\b",
    _FLAGS,
)

COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", "docker-compose.override.yml")

_PYTHON = ("pip", "pip3", "uv", "poetry", "pipenv", "pdm", "conda")
_NODE = ("npm", "yarn", "pnpm", "bun", "corepack", "npx")

RULES = (
    Rule(".git", _VERSIONS, read_by=_GIT),
    Rule(".gitignore", _VERSIONS, read_by=re.compile(r"gitignore", _FLAGS)),
    Rule(".gitattributes", _VERSIONS, present=True, read_by=re.compile(r"gitattributes", _FLAGS)),
    Rule(".github", _VERSIONS, present=True, read_by=re.compile(r"\.github/", _FLAGS)),
    Rule(".gitlab-ci.yml", _VERSIONS, present=True),
    Rule(".idea", _EDITORS),
    Rule(".vscode", _EDITORS),
    Rule("**/.DS_Store", _EDITORS),
    Rule("**/__pycache__", _MADE, ".py"),
    Rule("**/*.pyc", _MADE, ".py"),
    Rule("**/.venv", _MADE, ".py", _PYTHON),
    Rule("**/venv", _MADE, ".py", _PYTHON),
    Rule("**/.pytest_cache", _MADE, ".py"),
    Rule("**/.mypy_cache", _MADE, ".py"),
    Rule("**/.ruff_cache", _MADE, ".py"),
    Rule(".coverage", _MADE, ".py"),
    Rule(".tox", _MADE, "tox.ini"),
    Rule("**/node_modules", _MADE, "package.json", _NODE),
    Rule("target", _MADE, "Cargo.toml", ("cargo",)),
    Rule("target", _MADE, "pom.xml", ("mvn", "mvnw")),
    Rule(".gradle", _MADE, ".gradle", ("gradle", "gradlew")),
    Rule(".gradle", _MADE, ".gradle.kts", ("gradle", "gradlew")),
    Rule("build", _MADE, "build.gradle", ("gradle", "gradlew")),
    Rule("build", _MADE, "build.gradle.kts", ("gradle", "gradlew")),
    Rule("**/bin", _MADE, ".csproj", ("dotnet",)),
    Rule("**/obj", _MADE, ".csproj", ("dotnet",)),
    Rule(".bundle", _MADE, "Gemfile", ("bundle", "bundler")),
    Rule("vendor/bundle", _MADE, "Gemfile", ("bundle", "bundler")),
    Rule("vendor", _MADE, "composer.json", ("composer",)),
    Rule("**/.env", _SECRETS, read_by=_DOTENV),
    Rule("**/*.log", _SECRETS),
    *(Rule(name, _UNUSED, present=True) for name in COMPOSE),
    *(
        Rule(name, _UNUSED, present=True, read_by=re.compile(name.partition(".")[0], _FLAGS))
        for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
    ),
    *(
        Rule(name, _UNUSED, sign, present=True, read_by=_TESTS, run_by=_RUN_TESTS, own=name)
        for sign in (".py", "package.json")
        for name in ("test", "tests")
    ),
)
