"""What the manifests of the other ecosystems say, one by one: frameworks, scripts, engines, binaries, modules."""

import json
from pathlib import Path
from typing import Any

import pytest

from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project, app_of


def value(found: Known[Any] | Unknown) -> Any:
    return found.value if isinstance(found, Known) else found


NODE = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD {}\n"
NODE_SERVERS = {
    "express": "const app = require('express')();\napp.get('/healthz', h);\napp.listen(3100);\n",
    "fastify": "const app = require('fastify')();\napp.get('/healthz', h);\napp.listen({ port: 3100, host: '0.0.0.0' });\n",
    "koa": "const Koa = require('koa');\nconst Router = require('@koa/router');\nconst app = new Koa();\nconst router = new Router();\n"
    "router.get('/healthz', h);\napp.use(router.routes());\napp.listen(3100);\n",
}


@pytest.mark.parametrize("framework", NODE_SERVERS)
@pytest.mark.parametrize("command", ['["node", "server.js"]', '["npm", "start"]', "npm run start", "node server"])
def test_node_servers(project: Project, framework: str, command: str) -> None:
    files = {
        "package.json": json.dumps({"dependencies": {framework: "1"}, "scripts": {"start": "node server.js"}}),
        "package-lock.json": "{}",
        "server.js": NODE_SERVERS[framework],
    }
    app = app_of(project(NODE.format(command), **files))
    assert (value(app.framework), value(app.port)) == (framework, 3100)
    assert value(app.health) == "/healthz"


@pytest.mark.parametrize(
    "code",
    [
        "const router = require('express').Router();\nrouter.get('/ready', h);\nmodule.exports = router;\n",
        "import { Router } from 'express';\nconst router: Router = Router();\nrouter.get('/ready', h);\nexport default router;\n",
    ],
)
def test_routers_of_express(project: Project, code: str) -> None:
    server = (
        "const app = require('express')();\nconst ops = require('./ops');\napp.use('/ops', ops);\napp.listen(3200);\n"
    )
    files = {"package.json": '{"dependencies": {"express": "4"}}', "server.js": server, "ops.js": code}
    assert value(app_of(project(NODE.format("node server.js"), **files)).health) == "/ops/ready"


def test_package_json(project: Project) -> None:
    data = {
        "name": "@acme/shop",
        "version": "2.1.0",
        "description": "sells",
        "license": "MIT",
        "author": {"name": "Ann", "email": "ann@example.com"},
        "repository": {"url": "git+https://example.com/acme/shop.git"},
        "type": "module",
        "main": "index.js",
        "engines": {"node": ">=20"},
        "scripts": {"build": "vite build", "start": "node index.js"},
        "packageManager": "yarn@4.1.0",
    }
    app = app_of(project(NODE.format('["yarn", "start"]'), **{"package.json": json.dumps(data), "index.js": ""}))
    assert {key: fact.value for key, fact in app.details.items() if key not in ("command", "source")} == {
        "node": ">=20",
        "main": "index.js",
        "type": "module",
    }
    assert {key: fact.value for key, fact in app.metadata.items()} == {
        "name": "@acme/shop",
        "version": "2.1.0",
        "description": "sells",
        "license": "MIT",
        "authors": "Ann <ann@example.com>",
        "url": "https://example.com/acme/shop",
    }
    assert (value(app.manager), value(app.entry), value(app.build)) == (
        "yarn",
        ("yarn", "start"),
        ("yarn", "run", "build"),
    )
    assert value(app.outputs) == ("dist",)


@pytest.mark.parametrize("key", ["workspaces", "pnpm-workspace.yaml"])
def test_workspaces_need_their_sources(project: Project, key: str) -> None:
    files = {"package.json": json.dumps({"workspaces": ["a"]} if key == "workspaces" else {}), "index.js": ""}
    if key != "workspaces":
        files[key] = "packages: [a]\n"
    assert value(app_of(project(NODE.format("node index.js"), **files)).needs_sources) is True


GO = 'FROM golang:1.23\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\nCMD ["/app"]\n'
GO_SERVERS = {
    "net/http": 'http.HandleFunc("/healthz", h)\n\thttp.ListenAndServe(":8100", nil)',
    "net/http 1.22": 'mux := http.NewServeMux()\n\tmux.HandleFunc("GET /healthz", h)\n\thttp.ListenAndServe(":8100", mux)',
    "a server": 'http.HandleFunc("/healthz", h)\n\ts := &http.Server{Addr: ":8100"}\n\ts.ListenAndServe()',
    "gin": 'r := gin.Default()\n\tr.GET("/healthz", h)\n\tr.Run(":8100")',
    "echo": 'e := echo.New()\n\te.GET("/healthz", h)\n\te.Start(":8100")',
    "fiber": 'app := fiber.New()\n\tapp.Get("/healthz", h)\n\tapp.Listen(":8100")',
    "chi": 'r := chi.NewRouter()\n\tr.Get("/healthz", h)\n\thttp.ListenAndServe(":8100", r)',
}


@pytest.mark.parametrize("kind", GO_SERVERS)
def test_go_servers(project: Project, kind: str) -> None:
    files = {
        "go.mod": "module example.com/shop/v2\n\ngo 1.23\n",
        "main.go": f"package main\n\nfunc main() {{\n\t{GO_SERVERS[kind]}\n}}\n",
    }
    app = app_of(project(GO, **files))
    assert (value(app.port), value(app.health)) == (8100, "/healthz")
    assert (value(app.build), value(app.outputs)) == (("go", "build", "-o", "shop", "."), ("shop",))
    assert {key: fact.value for key, fact in app.details.items()} == {
        "module": "example.com/shop/v2",
        "go": "1.23",
        "main": ".",
    }


@pytest.mark.parametrize(
    ("mains", "build"),
    [
        (("cmd/shop",), ("go", "build", "-o", "shop", "./cmd/shop")),
        (("internal/tool/run",), ("go", "build", "-o", "run", "./internal/tool/run")),
        (("cmd/a", "cmd/b"), None),
        ((), None),
    ],
)
def test_main_packages(project: Project, mains: tuple[str, ...], build: tuple[str, ...] | None) -> None:
    files = {f"{folder}/main.go": "package main\n\nfunc main() {}\n" for folder in mains}
    files |= {
        "go.mod": "module a\n",
        "lib/lib.go": "package lib\n",
        "gen.go": "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
    }
    found = app_of(project(GO, **files)).build
    assert (value(found) == build) if build else isinstance(found, Unknown)


RUST = 'FROM rust:1.80\nWORKDIR /src\nCOPY . .\nRUN cargo build --release\nCMD ["./target/release/shop"]\n'
RUST_SERVERS = {
    "axum": 'let app = Router::new().route("/healthz", get(h));\n    let l = TcpListener::bind("0.0.0.0:8200").await;',
    "actix": 'HttpServer::new(|| App::new().route("/healthz", web::get().to(h))).bind(("0.0.0.0", 8200));',
    "actix, an attribute": 'HttpServer::new(|| App::new().service(h)).bind("0.0.0.0:8200");\n}\n#[get("/healthz")]\nasync fn h() {',
}


@pytest.mark.parametrize("kind", RUST_SERVERS)
def test_rust_servers(project: Project, kind: str) -> None:
    files = {
        "Cargo.toml": '[package]\nname = "shop"\nversion = "1.0.0"\n',
        "Cargo.lock": "",
        "src/main.rs": f"fn main() {{\n    {RUST_SERVERS[kind]}\n}}\n",
    }
    app = app_of(project(RUST, **files))
    assert (value(app.port), value(app.health), value(app.outputs)) == (8200, "/healthz", ("target/release/shop",))


def test_cargo_toml(project: Project, tmp_path: Path) -> None:
    toml = '[package]\nname = "shop"\nversion = "1.0.0"\nauthors = ["Ann <a@example.com>"]\n[[bin]]\nname = "worker"\npath = "w.rs"\n'
    files = {"Cargo.toml": toml, "src/main.rs": "", "src/bin/extra.rs": "", "w.rs": ""}
    app = app_of(project(RUST, **files))
    assert set(value(app.outputs)) == {"target/release/shop", "target/release/worker", "target/release/extra"}
    assert app.metadata["authors"].value == "Ann <a@example.com>"
    for name in ("src/bin/extra.rs", "w.rs"):
        (tmp_path / name).unlink()
    library = app_of(project(RUST, **{"Cargo.toml": '[package]\nname = "shop"\n', "src/lib.rs": "", "src/main.rs": ""}))
    assert value(library.outputs) == ("target/release/shop",)
    workspace = app_of(
        project(RUST, **{"Cargo.toml": '[workspace]\nmembers = ["a"]\n', "a/Cargo.toml": "", "src/main.rs": ""})
    )
    assert value(workspace.needs_sources) is True and "workspace" in workspace.needs_sources[1]


JAVA = 'FROM eclipse-temurin:21\nWORKDIR /app\nCOPY . .\nCMD ["java", "-jar", "app.jar"]\n'


@pytest.mark.parametrize(
    ("artifact", "framework", "port"),
    [
        ("spring-boot-starter-web", "spring-boot", 8080),
        ("quarkus-rest", "quarkus", 8080),
        ("micronaut-http-server-netty", "micronaut", 8080),
        ("commons-lang3", None, None),
    ],
)
def test_pom_xml(project: Project, artifact: str, framework: str | None, port: int | None) -> None:
    pom = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><groupId>com.example</groupId><artifactId>shop</artifactId><version>1.2</version>'
        "<name>Shop</name><properties><maven.compiler.release>21</maven.compiler.release></properties>"
        f"<dependencies><dependency><artifactId>{artifact}</artifactId></dependency></dependencies></project>"
    )
    app = app_of(project(JAVA, **{"pom.xml": pom}))
    assert (app.framework.value if isinstance(app.framework, Known) else None) == framework
    assert (app.port.value if isinstance(app.port, Known) else None) == port
    assert (value(app.manager), value(app.build), value(app.outputs)) == (
        "maven",
        ("mvn", "package"),
        ("target/shop-1.2.jar",),
    )
    assert app.details["java"].value == "21" and app.metadata["name"].value == "Shop"


@pytest.mark.parametrize("suffix", ["", ".kts"])
def test_gradle(project: Project, suffix: str) -> None:
    quote = '"' if suffix else "'"
    files = {
        f"build.gradle{suffix}": f"plugins {{ id({quote}org.springframework.boot{quote}) version {quote}3.3.0{quote} }}\nversion = {quote}1.2{quote}\n"
        f"dependencies {{ implementation({quote}org.springframework.boot:spring-boot-starter-web{quote}) }}\n"
        "java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n",
        f"settings.gradle{suffix}": f"rootProject.name = {quote}shop{quote}\n",
    }
    app = app_of(project(JAVA, **files))
    assert (value(app.manager), value(app.framework), value(app.port)) == ("gradle", "spring-boot", 8080)
    assert (value(app.build), value(app.outputs)) == (("gradle", "bootJar"), ("build/libs/shop-1.2.jar",))
    assert app.details["java"].value == "21"


NET = 'FROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["dotnet", "Shop.dll"]\n'


@pytest.mark.parametrize("ending", ["csproj", "fsproj", "vbproj"])
def test_dotnet(project: Project, ending: str) -> None:
    xml = (
        '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net8.0</TargetFramework><AssemblyName>Shop</AssemblyName>'
        "</PropertyGroup></Project>"
    )
    app = app_of(project(NET, **{f"Web.{ending}": xml, "Program.cs": 'app.MapGet("/healthz", () => "");\n'}))
    assert (app.ecosystem, value(app.framework), value(app.port)) == ("dotnet", "aspnetcore", 8080)
    assert (value(app.build)[:3], value(app.outputs)) == (("dotnet", "publish", f"Web.{ending}"), ("out/Shop.dll",))
    assert value(app.health) == "/healthz"


def test_dotnet_with_projects_beside_it(project: Project) -> None:
    xml = '<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><ProjectReference Include="../Lib/Lib.csproj"/></ItemGroup></Project>'
    app = app_of(project(NET, **{"Shop.csproj": xml}))
    assert value(app.needs_sources) is True and isinstance(app.framework, Unknown)


RUBY = "FROM ruby:3.3\nWORKDIR /app\nCOPY . .\nRUN bundle install\nCMD {}\n"


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("bundle exec puma -p 9100", 9100),
        ('["bundle", "exec", "rackup", "-o", "0.0.0.0", "-p", "9101"]', 9101),
        ("bundle exec rails server -b 0.0.0.0", 3000),
        ("bin/rails server -p 9102", 9102),
    ],
)
def test_gemfile(project: Project, command: str, port: int) -> None:
    files = {
        "Gemfile": 'source "https://rubygems.org"\nruby "3.3.1"\ngem "rails"\ngem "puma"\n',
        "Gemfile.lock": "",
        "bin/rails": "",
    }
    app = app_of(project(RUBY.format(command), **files))
    assert (value(app.framework), value(app.server), value(app.port)) == ("rails", "puma", port)
    assert (app.details["ruby"].value, value(app.manager), app.locks) == ("3.3.1", "bundler", ("Gemfile.lock",))


@pytest.mark.parametrize(
    ("package", "framework"),
    [
        ("laravel/framework", "laravel"),
        ("symfony/framework-bundle", "symfony"),
        ("slim/slim", "slim"),
        ("monolog/monolog", None),
    ],
)
def test_composer_json(project: Project, package: str, framework: str | None) -> None:
    text = json.dumps({"name": "acme/shop", "require": {package: "*", "php": "^8.3", "ext-intl": "*", "ext-gd": "*"}})
    app = app_of(
        project("FROM php:8.3-apache\nCOPY . /var/www/html\n", **{"composer.json": text, "composer.lock": "{}"})
    )
    assert (app.framework.value if isinstance(app.framework, Known) else None) == framework
    assert (app.details["php"].value, app.details["extensions"].value) == ("^8.3", "gd intl")
    assert (value(app.port), app.locks) == (80, ("composer.lock",))
