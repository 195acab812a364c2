"""Applications of the other ecosystems: manifests, builds, ports, health routes, and their refusals."""

import json
from typing import Any

import pytest

from dockopt.facts.value import Known, Unknown
from tests.facts.app.conftest import Project, app_of


def value(fact: Known[Any] | Unknown) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def reason(fact: Known[Any] | Unknown) -> str:
    assert isinstance(fact, Unknown), fact
    return fact.reason


NODE = "FROM node:22\nWORKDIR /app\nCOPY . .\n"
EXPRESS = (
    "const express = require('express');\nconst app = express();\n// app.get('/healthz', no)\n"
    "app.get('/health', (req, res) => res.send('ok'));\nconst PORT = process.env.PORT || 3001;\napp.listen(PORT, () => {});\n"
)


def package(**more: Any) -> str:
    return json.dumps({"name": "web", "version": "1.0.0", **more}, indent=2)


def test_express(project: Project) -> None:
    files = {
        "package.json": package(scripts={"start": "node server.js"}, dependencies={"express": "^4"}),
        "package-lock.json": "{}",
        "server.js": EXPRESS,
    }
    app = app_of(project(NODE + 'CMD ["npm", "start"]\n', **files))
    assert (value(app.manager), value(app.framework), app.locks) == ("npm", "express", ("package-lock.json",))
    assert app.port == Known(3001, "server.js:6") and app.health == Known("/health", "server.js:4")
    assert value(app.needs_sources) is False and app.metadata["name"].value == "web"
    assert "no build script" in reason(app.build)
    assert value(app_of(project(NODE + 'ENV PORT=9\nCMD ["node", "server.js"]\n', **files)).port) == 9


@pytest.mark.parametrize(
    ("listen", "port"),
    [
        ("app.listen(4000)", 4000),
        ("app.listen(process.env.PORT ?? 4001, '0.0.0.0')", 4001),
        ("app.listen({ port: 4002, host: '0.0.0.0' })", 4002),
        ("app.listen(Number(process.env.PORT) || 4003)", 4003),
        ("app.listen(parseInt(process.env.PORT || '4004', 10))", 4004),
        ("const port = 4005;\napp.listen(port)", 4005),
        ("const port = 4006;\napp.listen({ port, host: 'x' })", 4006),
        ("app.listen(process.env.PORT)", None),
        ("app.listen(config.port)", None),
        ("app.listen(4000);\nother.listen(4001)", None),
        ("start()", None),
    ],
)
def test_listen(project: Project, listen: str, port: int | None) -> None:
    files = {"package.json": package(), "s.js": f"const app = require('fastify')();\n{listen};\n"}
    found = app_of(project(NODE + 'CMD ["node", "s.js"]\n', **files)).port
    assert (value(found) == port) if port is not None else reason(found)


def test_routers_in_other_files(project: Project) -> None:
    files = {
        "package.json": package(dependencies={"express": "4"}, scripts={"build": "tsc", "start": "node dist/index.js"}),
        "tsconfig.json": '{\n // c\n "compilerOptions": {"outDir": "./dist",},\n}',
        "src/index.ts": "import express from 'express';\nimport ops from './ops.js';\nconst app: express.Express = express();\napp.use('/ops', ops);\napp.listen(3000);\n",
        "src/ops.ts": "import { Router } from 'express';\nconst router = Router();\nrouter.get('/ready', ok);\nexport default router;\n",
    }
    app = app_of(project(NODE + 'RUN npm run build\nCMD ["npm", "run", "start"]\n', **files))
    assert app.health == Known("/ops/ready", "src/ops.ts:3") and value(app.port) == 3000
    assert value(app.build) == ("npm", "run", "build") and app.outputs == Known(("dist",), "tsconfig.json: outDir")


@pytest.mark.parametrize(
    "code",
    [
        "app.use(authenticate);\napp.get('/health', h);",
        "app.get('/health', requireAuth, h);",
        "app.post('/health', h);",
        "other.get('/health', h);",
        "app.get(`/${x}/health`, h);",
        "/* app.get('/health', h) */",
        "app.get('/user/:health', h);",
        "app.get('/health', { preHandler: [check] }, h);",
        "app.addHook('onRequest', async (request, reply) => { if (!ok(request)) reply.code(401).send(); });\napp.get('/health', h);",
        "app.use((request, response, next) => ok(request) ? next() : response.sendStatus(403));\napp.get('/health', h);",
        "app.use('/api', authenticate);\napp.get('/api/health', h);",
    ],
)
def test_node_routes_that_are_no_probe(project: Project, code: str) -> None:
    files = {"package.json": package(), "s.js": f"const app = express();\n{code}\napp.listen(1);\n"}
    assert reason(app_of(project(NODE + 'CMD ["node", "s.js"]\n', **files)).health)


OPS = "import { Router } from 'express';\nconst router = Router();\nrouter.get('/', ok);\n"
AUTH = "export function authenticate(request, response, next) { next(); }\n"


@pytest.mark.parametrize(
    ("code", "ops", "health"),
    [
        (
            "import { health } from './ops';\napp.use('/health', health);",
            OPS + "export { router as health };\n",
            "/health/",
        ),
        (
            "import { route as health } from './ops';\napp.use('/health', health);",
            OPS.replace("const router", "export const route").replace("router.", "route."),
            "/health/",
        ),
        ("app.use('/health', require('./ops'));", OPS + "module.exports = router;\n", "/health/"),
        (
            "const { health } = require('./ops');\napp.use('/health', health);",
            OPS + "module.exports = { health: router };\n",
            "/health/",
        ),
        (
            "import { health } from './ops';\nimport { authenticate } from './auth';\napp.use('/health', health);\napp.use(authenticate);",
            OPS + "export { router as health };\n",
            "/health/",
        ),
        (
            "import { health } from './ops';\nimport { authenticate } from './auth';\napp.use(authenticate);\napp.use('/health', health);",
            OPS + "export { router as health };\n",
            None,
        ),
        ("import { other } from './ops';\napp.use('/health', other);", OPS + "export { router as health };\n", None),
        (
            "import { ops } from './ops';\napp.register(ops, { prefix: '/ops' });",
            "export const ops = async (server) => {\n  server.get('/health', ok);\n};\nexport const other = (request) => request;\n",
            "/ops/health",
        ),
        (
            "app.register(require('./ops'), { prefix: '/ops' });",
            "module.exports = async function (server, options) {\n  server.get('/health', ok);\n};\n",
            "/ops/health",
        ),
        (
            "import { ops } from './ops';\napp.use(ops);",
            "export function ops(request, response, next) {\n  request.get('/health');\n}\n",
            None,
        ),
    ],
)
def test_node_routers_by_name(project: Project, code: str, ops: str, health: str | None) -> None:
    server = f"import express from 'express';\nconst app = express();\n{code}\napp.listen(3000);\n"
    files = {"package.json": package(dependencies={"express": "4"}), "s.js": server, "ops.js": ops, "auth.js": AUTH}
    found = app_of(project(NODE + 'CMD ["node", "s.js"]\n', **files)).health
    assert value(found) == health if health is not None else reason(found)


@pytest.mark.parametrize(
    ("locks", "more", "manager"),
    [
        (("package-lock.json",), {}, "npm"),
        (("yarn.lock",), {}, "yarn"),
        (("pnpm-lock.yaml",), {}, "pnpm"),
        (("bun.lock",), {}, "bun"),
        ((), {"packageManager": "pnpm@9.0.0"}, "pnpm"),
        ((), {}, "npm"),
        (("package-lock.json", "yarn.lock"), {}, None),
    ],
)
def test_node_managers(project: Project, locks: tuple[str, ...], more: dict[str, Any], manager: str | None) -> None:
    files = {"package.json": package(**more), **dict.fromkeys(locks, "")}
    found = app_of(project(NODE + 'CMD ["node", "x.js"]\n', **files)).manager
    assert (value(found) == manager) if manager else "several lock files" in reason(found)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"workspaces": ["a"]}, "workspaces"),
        ({"scripts": {"postinstall": "patch-package"}}, "postinstall"),
        ({"dependencies": {"a": "file:./a"}}, "folder"),
        ({"dependencies": {"a": "workspace:*"}}, "folder"),
        ({"devDependencies": {"patch-package": "8"}}, "patched"),
    ],
)
def test_node_installs_that_need_sources(project: Project, more: dict[str, Any], why: str) -> None:
    needs = app_of(project(NODE + 'CMD ["node", "x.js"]\n', **{"package.json": package(**more)})).needs_sources
    assert value(needs) is True and why in needs[1]


@pytest.mark.parametrize(
    ("script", "files", "outputs"),
    [
        ("vite build", {}, ("dist",)),
        ("tsc && vite build", {}, ("dist",)),
        ("vite build", {"vite.config.ts": "export default { build: { outDir: 'www' } }"}, ("www",)),
        ("vite build", {"vite.config.ts": "export default { build: { outDir: where } }"}, None),
        ("next build", {}, (".next",)),
        ("react-scripts build", {}, ("build",)),
        ("nest build", {}, ("dist",)),
        ("esbuild a.ts --bundle --outdir=out", {}, ("out",)),
        ("tsc --outDir lib", {}, ("lib",)),
        ("tsc -p tsconfig.build.json", {"tsconfig.build.json": '{"compilerOptions": {"outDir": "b"}}'}, ("b",)),
        ("tsc", {"tsconfig.json": "{"}, None),
        ("webpack", {}, None),
        ("make all", {}, None),
    ],
)
def test_node_outputs(project: Project, script: str, files: dict[str, str], outputs: tuple[str, ...] | None) -> None:
    found = app_of(
        project(NODE + 'CMD ["node", "x.js"]\n', **{"package.json": package(scripts={"build": script}), **files})
    ).outputs
    assert (value(found) == outputs) if outputs else reason(found)


def test_next(project: Project) -> None:
    files = {
        "package.json": package(scripts={"start": "next start -p 3005"}, dependencies={"next": "15"}),
        "src/app/api/health/route.ts": "export {}\n",
    }
    app = app_of(project(NODE + 'CMD ["yarn", "start"]\n', **files))
    assert (value(app.port), value(app.health)) == (3005, "/api/health")
    assert "middleware.ts" in reason(
        app_of(project(NODE + 'CMD ["yarn", "start"]\n', **{**files, "src/middleware.ts": ""})).health
    )


def test_nest(project: Project) -> None:
    files = {
        "package.json": package(scripts={"start:prod": "node dist/main"}, dependencies={"@nestjs/core": "10"}),
        "src/main.ts": "const app = await NestFactory.create(M);\napp.setGlobalPrefix('api');\nawait app.listen(process.env.PORT ?? 3006);\n",
        "src/health.controller.ts": "@Controller('health')\nclass H {\n  @Get()\n  ok() {}\n}\n",
    }
    app = app_of(project(NODE + 'CMD ["npm", "run", "start:prod"]\n', **files))
    assert (value(app.framework), value(app.port), value(app.health)) == ("@nestjs/core", 3006, "/api/health")
    guarded = {**files, "src/app.module.ts": "{ provide: APP_GUARD }"}
    assert "guard" in reason(app_of(project(NODE + 'CMD ["npm", "run", "start:prod"]\n', **guarded)).health)


def test_a_package_json_that_does_not_parse(project: Project) -> None:
    app = app_of(project(NODE + 'CMD ["npm", "start"]\n', **{"package.json": "{\n", "index.js": EXPRESS}))
    for fact in (app.manager, app.needs_sources, app.build, app.health, app.port):
        assert "package.json does not parse" in reason(fact)


GO = "FROM golang:1.22 AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/app ./cmd/app\nFROM debian:12\nCOPY --from=b /bin/app /app\n"
GO_MAIN = 'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.HandleFunc("/healthz", h)\n\thttp.ListenAndServe(":8070", nil)\n}\n'


def test_go(project: Project) -> None:
    files = {
        "go.mod": "module example.org/shop/v2\n\ngo 1.22\n",
        "go.sum": "",
        "cmd/app/main.go": GO_MAIN,
        "x/x.go": "package x\n",
        "x/x_test.go": GO_MAIN,
    }
    app = app_of(project(GO + 'CMD ["/app"]\n', **files))
    assert app.build == Known(("go", "build", "-o", "app", "./cmd/app"), "cmd/app/main.go:5")
    assert (value(app.port), value(app.health)) == (8070, "/healthz")
    assert (app.details["module"].value, app.details["go"].value) == ("example.org/shop/v2", "1.22")
    assert value(app.needs_sources) is False and app.locks == ("go.sum",) and "cgo" not in app.details


@pytest.mark.parametrize(
    ("mod", "files", "why"),
    [
        ("module a\nreplace b => ../b\n", {}, "replaced by the folder"),
        ("module a\n", {"go.work": "go 1.22\n"}, "workspace"),
        ("module a\n", {"vendor/x.go": "package x\n"}, "vendor"),
    ],
)
def test_go_modules_that_need_sources(project: Project, mod: str, files: dict[str, str], why: str) -> None:
    needs = app_of(project(GO + 'CMD ["/app"]\n', **{"go.mod": mod, "main.go": GO_MAIN, **files})).needs_sources
    assert value(needs) is True and why in needs[1]


def test_go_what_is_not_known(project: Project) -> None:
    two = app_of(
        project(
            GO + 'CMD ["/app"]\n',
            **{"go.mod": "module a\n", "a/main.go": GO_MAIN, "b/main.go": GO_MAIN.replace("8070", "8071")},
        )
    )
    assert "2 main packages" in reason(two.build) and "several ports" in reason(two.port)
    nested = 'package main\nfunc main() {\n\tr.Route("/api", func(r chi.Router) { r.Get("/health", h) })\n}\n'
    assert "prefix" in reason(
        app_of(
            project(GO + 'CMD ["/app"]\n', **{"go.mod": "module a\n", "a/main.go": nested, "b/main.go": "package b\n"})
        ).health
    )


def test_go_groups(project: Project) -> None:
    text = 'package main\nimport "C"\nfunc main() {\n\tr := gin.Default()\n\tv1 := r.Group("/v1")\n\tv1.GET("/ping", h)\n\tr.Run(":8072")\n}\n'
    app = app_of(project(GO + 'CMD ["/app"]\n', **{"go.mod": "module a\n", "main.go": text}))
    assert (value(app.health), value(app.port), app.details["cgo"].evidence) == ("/v1/ping", 8072, "main.go:2")
    assert value(app.build) == ("go", "build", "-o", "a", ".")


RUST = 'FROM rust:1.80\nWORKDIR /src\nCOPY . .\nRUN cargo build --release\nCMD ["./target/release/shop"]\n'


def test_rust(project: Project) -> None:
    files = {
        "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nlicense = "MIT"\n',
        "Cargo.lock": "",
        "src/main.rs": 'fn main() { Router::new().route("/health", get(h)); let l = TcpListener::bind("0.0.0.0:8060"); }\n',
    }
    app = app_of(project(RUST, **files))
    assert (value(app.outputs), value(app.port), value(app.health)) == (("target/release/shop",), 8060, "/health")
    assert app.metadata["license"].value == "MIT"
    nested = {**files, "src/main.rs": files["src/main.rs"] + 'fn x() { r.nest("/api", y); }\n'}
    assert "nested" in reason(app_of(project(RUST, **nested)).health)
    assert "does not parse" in reason(app_of(project(RUST, **{**files, "Cargo.toml": "[package\n"})).build)


JAVA = 'FROM eclipse-temurin:21\nWORKDIR /app\nCOPY . .\nCMD ["java", "-jar", "app.jar"]\n'
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><artifactId>shop</artifactId><version>1.0</version>
<properties><java.version>21</java.version></properties>
<dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency>
<dependency><artifactId>spring-boot-starter-actuator</artifactId></dependency></dependencies></project>"""


def test_maven_spring(project: Project) -> None:
    files = {
        "pom.xml": POM,
        "mvnw": "",
        "src/main/resources/application.properties": "server.port=${PORT:8050}\nserver.servlet.context-path=/shop\n",
    }
    app = app_of(project(JAVA, **files))
    assert (value(app.framework), value(app.port), value(app.health)) == ("spring-boot", 8050, "/shop/actuator/health")
    assert (value(app.outputs), value(app.build), app.details["java"].value) == (
        ("target/shop-1.0.jar",),
        ("./mvnw", "package"),
        "21",
    )
    assert value(app_of(project(JAVA.replace("CMD", "ENV SERVER_PORT=8051\nCMD"), **files)).port) == 8051
    yml = {
        "pom.xml": POM,
        "src/main/resources/application.yml": "server:\n  port: 8052\n",
        "src/main/resources/application.properties": "",
    }
    assert value(app_of(project(JAVA, **yml)).port) == 8052


@pytest.mark.parametrize(
    ("pom", "settings", "why"),
    [
        (POM.replace("actuator", "test"), "", "no spring-boot-starter-actuator"),
        (
            POM.replace(
                "<dependencies>",
                "<dependencies><dependency><artifactId>spring-boot-starter-security</artifactId></dependency>",
            ),
            "",
            "security",
        ),
        (POM, "management.server.port=9\n", "management"),
        (POM, "management.endpoints.web.base-path=/m\n", "management"),
        ("<project>", "", "does not parse"),
        ('<!DOCTYPE p [<!ENTITY a "b">]><project/>', "", "entities"),
    ],
)
def test_spring_health_that_is_not_known(project: Project, pom: str, settings: str, why: str) -> None:
    assert why in reason(
        app_of(project(JAVA, **{"pom.xml": pom, "src/main/resources/application.properties": settings})).health
    )


def test_maven_modules(project: Project) -> None:
    app = app_of(
        project(
            JAVA, **{"pom.xml": "<project><packaging>pom</packaging><modules><module>a</module></modules></project>"}
        )
    )
    assert value(app.needs_sources) is True and "several modules" in reason(app.outputs)


def test_gradle(project: Project) -> None:
    files = {
        "build.gradle": "plugins {\n  id 'org.springframework.boot' version '3.3'\n}\nversion = '1.2'\ndependencies { implementation 'org.springframework.boot:spring-boot-starter-web' }\n",
        "settings.gradle": "rootProject.name = 'shop'\n",
        "gradlew": "",
    }
    app = app_of(project(JAVA, **files))
    assert (value(app.outputs), value(app.build), value(app.port)) == (
        ("build/libs/shop-1.2.jar",),
        ("./gradlew", "bootJar"),
        8080,
    )
    many = app_of(project(JAVA, **{**files, "settings.gradle": "rootProject.name = 'shop'\ninclude 'a'\n"}))
    assert value(many.needs_sources) is True and reason(many.outputs)


NET = "FROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY . .\n"
CSPROJ = '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>'


def test_dotnet(project: Project) -> None:
    files = {
        "Shop.csproj": CSPROJ,
        "Program.cs": 'app.MapHealthChecks("/healthz");\n// app.MapGet("/health", x);\napp.Run();\n',
    }
    app = app_of(project(NET + 'ENTRYPOINT ["dotnet", "Shop.dll"]\n', **files))
    assert (value(app.port), value(app.health), value(app.outputs)) == (8080, "/healthz", ("out/Shop.dll",))
    assert app.details["framework"].value == "net8.0"
    moved = app_of(project(NET + 'ENV ASPNETCORE_URLS=http://+:5005\nENTRYPOINT ["dotnet", "Shop.dll"]\n', **files))
    assert value(moved.port) == 5005
    guarded = {**files, "Program.cs": 'app.MapHealthChecks("/healthz").RequireAuthorization();\n'}
    assert reason(app_of(project(NET + 'ENTRYPOINT ["dotnet", "Shop.dll"]\n', **guarded)).health)
    several = app_of(project(NET + 'ENTRYPOINT ["dotnet", "Shop.dll"]\n', **{**files, "Other.csproj": CSPROJ}))
    assert "several project files" in reason(several.build)


RUBY = "FROM ruby:3.3\nWORKDIR /app\nCOPY . .\n"


def test_rails(project: Project) -> None:
    files = {
        "Gemfile": 'source "x"\ngem "rails"\n# gem "y", path: "y"\ngem "puma"\n',
        "Gemfile.lock": "",
        "config/routes.rb": 'get "up" => "rails/health#show", as: :x\n',
    }
    app = app_of(project(RUBY + 'CMD ["bundle", "exec", "rails", "server", "-b", "0.0.0.0"]\n', **files))
    assert (value(app.framework), value(app.port), value(app.health), value(app.server)) == (
        "rails",
        3000,
        "/up",
        "puma",
    )
    assert value(app.needs_sources) is False
    ssl = {**files, "config/environments/production.rb": "  config.force_ssl = true\n"}
    assert "force_ssl" in reason(app_of(project(RUBY + 'CMD ["rails", "s", "-p", "3001"]\n', **ssl)).health)
    local = {**files, "Gemfile": 'gem "a", path: "lib/a"\n'}
    assert value(app_of(project(RUBY + 'CMD ["ruby", "a.rb"]\n', **local)).needs_sources) is True


def test_sinatra(project: Project) -> None:
    files = {"Gemfile": "gem 'sinatra'\n", "app.rb": "require 'sinatra'\nget '/health' do\n  'ok'\nend\n"}
    app = app_of(project(RUBY + 'CMD ["ruby", "app.rb", "-p", "4000"]\n', **files))
    assert (value(app.port), value(app.health)) == (4000, "/health")


@pytest.mark.parametrize(
    ("written", "port"),
    [
        ("set :port, 8080", 8080),
        ("set :port, ENV['PORT'] || '8080'", 8080),
        ('set(:port, ENV.fetch("PORT") { 8080 })', 8080),
        ("set port: ENV.fetch('PORT', 8080).to_i", 8080),
        ("given = ENV['PORT'] || 8081\nset :port, given", 8081),
        ("set :bind, '0.0.0.0'", 4567),
        ("set :port, Settings.port", None),
        ("class App < Sinatra::Base\nend\nApp.run!", None),
    ],
)
def test_the_port_that_sinatra_is_told(project: Project, written: str, port: int | None) -> None:
    files = {"Gemfile": "gem 'sinatra'\n", "app.rb": f"require 'sinatra'\n{written}\n"}
    app = app_of(project(RUBY + 'CMD ["ruby", "app.rb"]\n', **files))
    assert (value(app.port) if isinstance(app.port, Known) else None) == port
    if "ENV" in written:
        app = app_of(project(RUBY + 'ENV PORT=9000\nCMD ["ruby", "app.rb"]\n', **files))
        assert isinstance(app.port, Unknown)


def test_rails_takes_the_port_of_puma(project: Project) -> None:
    files = {"Gemfile": "gem 'rails'\ngem 'puma'\n", "config/routes.rb": ""}
    start = RUBY + 'CMD ["bin/rails", "server", "-b", "0.0.0.0"]\n'
    puma = 'port ENV.fetch("PORT") { 3010 }\n'
    assert value(app_of(project(start, **files, **{"config/puma.rb": puma})).port) == 3010
    assert value(app_of(project(start, **files, **{"config/puma.rb": "threads 5, 5\n"})).port) == 3000


@pytest.mark.parametrize(
    "start", ["app.Run(url);", 'app.Run($"http://*:{port}");', "builder.WebHost.UseUrls(urls);", "k.Listen(ip, port);"]
)
def test_an_address_in_the_code_of_dotnet(project: Project, start: str) -> None:
    web = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>'
    text = 'FROM mcr.microsoft.com/dotnet/aspnet:9.0\nCOPY . /app\nENTRYPOINT ["dotnet", "/app/Shop.dll"]\n'
    app = app_of(project(text, **{"Shop.csproj": web, "Program.cs": f"var app = b.Build();\n{start}\n"}))
    assert "set in code" in reason(app.port)
    plain = app_of(
        project(text, **{"Shop.csproj": web, "Program.cs": "app.Run(async c => await c.Go());\napp.Run();\n"})
    )
    assert value(plain.port) == 8080


def test_php(project: Project) -> None:
    text = json.dumps({"name": "a/b", "require": {"php": "^8.2", "ext-intl": "*", "laravel/framework": "^11"}})
    files = {"composer.json": text, "composer.lock": "{}", "bootstrap/app.php": "<?php\n->withRouting(health: '/up')\n"}
    app = app_of(project("FROM php:8.3-apache\nCOPY . /var/www/html\n", **files))
    assert (value(app.framework), value(app.port), value(app.health)) == ("laravel", 80, "/up")
    assert app.details["extensions"].value == "intl"
    fpm = app_of(project("FROM php:8.3-fpm\nCOPY . /var/www/html\n", **files))
    assert "FastCGI" in reason(fpm.port)
    hook = {**files, "composer.json": json.dumps({"scripts": {"post-autoload-dump": ["x"]}})}
    assert value(app_of(project("FROM php:8.3-apache\nCOPY . /var/www/html\n", **hook)).needs_sources) is True


def test_native(project: Project) -> None:
    files = {"CMakeLists.txt": "project(x)\nadd_executable(shop src/a.c)\n", "src/a.c": "int main(){}\n"}
    app = app_of(project('FROM gcc:13\nWORKDIR /s\nCOPY . .\nCMD ["./build/shop"]\n', **files))
    assert (app.ecosystem, value(app.manager), value(app.outputs)) == ("native", "cmake", ("build/shop",))
    make = app_of(project('FROM gcc:13\nWORKDIR /s\nCOPY . .\nCMD ["./shop"]\n', **{"Makefile": "all:\n", "a.c": ""}))
    assert make.ecosystem == "native"


def test_which_of_several(project: Project) -> None:
    files = {"requirements.txt": "x\n", "m.py": "", "package.json": package(), "go.mod": "module a\n"}
    assert app_of(project('FROM python:3.12\nCOPY . .\nCMD ["python", "m.py"]\n', **files)).ecosystem == "python"
    assert app_of(project('FROM node:22\nCOPY . .\nCMD ["node", "m.js"]\n', **files)).ecosystem == "node"
    assert app_of(project('FROM debian:12\nCOPY . .\nCMD ["/app"]\n', **files)).ecosystem == "go"
    facts = project("FROM debian:12\nCOPY . .\nCMD supervisord\n", **files)
    assert "which of these" in reason(facts.app) and len(facts.apps) == 3


def test_the_folder_the_image_starts_in(project: Project) -> None:
    files = {"a/package.json": package(), "b/package.json": package(), "b/s.js": EXPRESS}
    app = app_of(project('FROM node:22\nWORKDIR /w\nCOPY . .\nWORKDIR /w/b\nCMD ["node", "s.js"]\n', **files))
    assert app.root == "b"


def test_hidden_manifest(project: Project) -> None:
    files = {"package.json": package(), ".dockerignore": "*.json\n"}
    facts = project(NODE + 'CMD ["node", "s.js"]\n', **files)
    assert reason(facts.app) == ".dockerignore:1: *.json hides package.json from the build"
    broken = project(NODE + 'CMD ["node", "s.js"]\n', **{**files, ".dockerignore": "[\n"})
    assert "ignore file" in reason(broken.app)


def test_without_a_path() -> None:
    from dockopt.facts.facts import Facts
    from dockopt.syntax.document import load

    facts = Facts(load(b'FROM node:22\nCMD ["node", "a.js"]\n'))
    assert "no file path" in reason(facts.app) and facts.apps == ()
    assert value(facts.launch).argv == ("node", "a.js")


def test_express_generator(project: Project) -> None:
    files = {
        "package.json": package(scripts={"start": "node ./bin/www"}),
        "bin/www": "var app = require('../app');\nserver.listen(3010);\n",
        "app.js": "var express = require('express');\nvar app = express();\napp.get('/ping', x);\nmodule.exports = app;\n",
    }
    app = app_of(project(NODE + 'CMD ["npm", "start"]\n', **files))
    assert (value(app.port), value(app.health)) == (3010, "/ping")


NGINX = "FROM nginx:1.27-alpine\n"


def test_nginx(project: Project) -> None:
    app = app_of(project(NGINX + "COPY site /usr/share/nginx/html\n", **{"site/index.html": "x"}))
    assert (app.ecosystem, value(app.port), value(app.server)) == ("static", 80, "nginx")
    conf = "server {\n  # listen 1;\n  listen 8030;\n  location = /healthz { return 200 'ok'; }\n  location / { root /x; }\n}\n"
    text = NGINX + "COPY nginx.conf /etc/nginx/conf.d/default.conf\nCOPY site /srv\n"
    app = app_of(project(text, **{"nginx.conf": conf, "site/index.html": "x"}))
    assert app.port == Known(8030, "nginx.conf:3") and app.health == Known("/healthz", "nginx.conf:4")
    app = app_of(project(text, **{"nginx.conf": conf.replace("8030", "8030 ssl"), "site/index.html": "x"}))
    assert "no plain listen" in reason(app.port)
    templates = NGINX + "COPY t /etc/nginx/templates\n"
    assert "template" in reason(app_of(project(templates, **{"t/default.conf.template": conf})).port)


def test_nginx_configured_elsewhere(project: Project) -> None:
    for more in (
        'CMD ["nginx", "-c", "/site/nginx.conf"]\n',
        "RUN sed -i s/80/8080/ /etc/nginx/conf.d/default.conf\n",
        "COPY shop /etc/nginx/sites-enabled/shop\n",
    ):
        app = app_of(
            project(NGINX + "COPY site /site\n" + more, **{"site/index.html": "x", "site/nginx.conf": "", "shop": ""})
        )
        assert isinstance(app.port, Unknown), more
    same = NGINX + 'COPY site /site\nCMD ["nginx", "-c", "/etc/nginx/nginx.conf"]\n'
    assert value(app_of(project(same, **{"site/index.html": "x"})).port) == 80


def test_a_front_end_behind_nginx(project: Project) -> None:
    text = "FROM node:22 AS b\nWORKDIR /w\nCOPY . .\nRUN npm run build\nFROM nginx:1.27\nCOPY --from=b /w/dist /usr/share/nginx/html\n"
    app = app_of(project(text, **{"package.json": package(scripts={"build": "vite build"})}))
    assert (app.ecosystem, value(app.port), value(app.outputs)) == ("node", 80, ("dist",))


def test_java_without_a_manifest(project: Project) -> None:
    text = (
        "FROM eclipse-temurin:21\nWORKDIR /tides\nCOPY src ./src\nRUN javac -d out src/*.java\nCMD java -cp out Tides\n"
    )
    app = app_of(project(text + "EXPOSE 8081\n", **{"src/Tides.java": "", "README.md": ""}))
    assert (app.ecosystem, app.root, app.evidence) == ("java", "src", "src/*.java")
    assert value(app.port) == 8081 and reason(app.framework) and reason(app.health)
    assert value(app.needs_sources) is True


def test_java_that_is_compiled_elsewhere_is_not_known(project: Project) -> None:
    text = "FROM eclipse-temurin:21\nWORKDIR /tides\nCOPY . .\nCMD java -jar shop.jar\n"
    assert isinstance(project(text, **{"shop.jar": "", "tools/Extra.java": ""}).app, Unknown)
