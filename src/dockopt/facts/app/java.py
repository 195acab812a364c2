"""Java manifests: pom.xml, and of Gradle's scripts what stands there as literals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import describe, join, load_xml, present
from dockopt.facts.app.source import first, mask
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context

_ARTIFACT = re.compile(r"\$\{")
_LOCAL = re.compile(r"\s*(?:file:|\$\{(?:project\.)?basedir\})")
# Gradle scripts that read, run or apply something else of the project while they are evaluated.
_READS = re.compile(
    r"^\s*apply\s*\(?\s*from\b|\bapply\s*\(\s*from\b|\.text\b|\breadText|\breadLines|newInputStream|inputStream\(|FileInputStream|"
    r"\.execute\(|\bexec\s*[({]|\bnew\s+File\b|\bFile\(|\bfrom\(\s*files\(|providers\.(?:exec|fileContents)|\bload\(",
    re.M,
)


def maven(context: Context, root: str) -> App | None:
    """A Maven project by its pom.xml."""
    path = join(root, "pom.xml")
    if not context.is_file(path):
        return None
    extras = present(
        context,
        root,
        (
            "mvnw",
            ".mvn/wrapper/maven-wrapper.jar",
            ".mvn/wrapper/maven-wrapper.properties",
            ".mvn/wrapper/MavenWrapperDownloader.java",
            ".mvn/maven.config",
            ".mvn/jvm.config",
            ".mvn/extensions.xml",
        ),
    )
    pom = load_xml(context, path)
    if isinstance(pom, Unknown):
        return App(
            "java", root, path, Known("maven", path), (path, *extras), (), pom, pom, pom, pom, pom, pom, pom, pom, pom
        )
    project = pom.value

    def text(where: str) -> str | None:
        element = project.find(where)
        value = element.text.strip() if element is not None and element.text else None
        return value if value and not _ARTIFACT.search(value) else None

    modules = [one.text.strip() for one in project.findall("modules/module") if one.text]
    needs: Known[bool] | Unknown = Known(bool(modules), f"{path}: modules {', '.join(modules)}" if modules else path)
    parent = project.find("parent/relativePath")
    config = context.text(join(root, ".mvn/maven.config"))
    if not modules and parent is not None and parent.text and parent.text.strip():
        needs = Known(True, f"{path}: its parent is {parent.text.strip()}")
    elif not modules and project.find(".//systemPath") is not None:
        needs = Known(True, f"{path}: a dependency is a file of the project")
    elif not modules and any(_LOCAL.search(one.text or "") for one in project.iter("url")):
        needs = Known(True, f"{path}: a repository is a folder of the project")
    elif (
        not modules
        and isinstance(config, Known)
        and re.search(r"(?:^|\s)(?:-s|-f|-gs|-t|--\w*(?:settings|file|toolchains))\b", config.value)
    ):
        needs = Known(True, f"{config.evidence}: it names another file")
    dependencies = {one.text.strip() for one in project.findall(".//dependency/artifactId") if one.text}
    plugins = {one.text.strip() for one in project.findall(".//plugin/artifactId") if one.text}
    framework = _jvm_framework(dependencies | plugins, path)
    packaging = text("packaging") or "jar"
    final, artifact, version = text("build/finalName"), text("artifactId"), text("version") or text("parent/version")
    outputs: Known[tuple[str, ...]] | Unknown
    if modules or packaging == "pom":
        outputs = Unknown(f"{path}: several modules, which of them runs is not known")
    elif project.find("build/finalName") is not None and final is None:
        outputs = Unknown(f"{path}: finalName has a property")
    elif final or (artifact and version):
        outputs = Known((f"target/{final or f'{artifact}-{version}'}.{packaging}",), path)
    else:
        outputs = Unknown(f"{path}: artifactId and version are not both literals")
    details: dict[str, Known[str]] = {}
    for key in ("properties/java.version", "properties/maven.compiler.release", "properties/maven.compiler.target"):
        value = text(key)
        if value:
            details["java"] = Known(value, f"{path}: {key.rsplit('/', 1)[-1]}")
            break
    program = "./mvnw" if any(name.endswith("mvnw") for name in extras) else "mvn"
    metadata = {key: value for key in ("name", "description", "url", "version") if (value := text(key))}
    metadata.setdefault("name", artifact or "")
    return App(
        "java", root, path, Known("maven", path), (path, *extras), (), needs, framework,
        build=Known((program, "package"), path), outputs=outputs, details=details, metadata=describe({**metadata, "homepage": metadata.get("url")}, path),
    )  # fmt: skip


def _jvm_framework(names: set[str], where: str) -> Known[str] | Unknown:
    for framework, mark in (
        ("spring-boot", "spring-boot"),
        ("quarkus", "quarkus"),
        ("micronaut", "micronaut"),
        ("ktor", "ktor-server"),
        ("dropwizard", "dropwizard"),
    ):
        if any(name.startswith(mark) for name in names):
            return Known(framework, where)
    return Unknown(f"{where} has no framework that dockopt knows")


def gradle(context: Context, root: str) -> App | None:
    """A Gradle project by its build script, of which only literals are read."""
    found = present(context, root, ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"))
    if not found:
        return None
    path = found[0]
    extras = present(
        context, root,
        ("gradlew", "gradle.properties", "gradle/wrapper/gradle-wrapper.jar", "gradle/wrapper/gradle-wrapper.properties", "gradle/libs.versions.toml",
         "gradle/verification-metadata.xml", "gradle/verification-keyring.keys", "gradle/verification-keyring.gpg", "gradle/gradle-daemon-jvm.properties"),
    )  # fmt: skip
    locks = present(context, root, ("gradle.lockfile", "buildscript-gradle.lockfile", "settings-gradle.lockfile"))
    masked: dict[str, str] = {}
    for script in found:
        text = context.text(script)
        if isinstance(text, Unknown):
            return App(
                "java",
                root,
                path,
                Known("gradle", path),
                (*found, *extras),
                locks,
                text,
                text,
                build=text,
                outputs=text,
            )
        masked[script] = mask(text.value)
    whole = "\n".join(masked.values())
    settings = next((name for name in found if "settings" in name), None)
    needs = Known(False, path)
    if settings is not None and re.search(r"^\s*include(?:Build)?\b", masked[settings], re.M):
        needs = Known(True, f"{settings}: several projects")
    elif context.is_dir(join(root, "buildSrc")):
        needs = Known(True, f"{join(root, 'buildSrc')}: build logic in sources")
    elif (reads := _READS.search(whole)) is not None:
        needs = Known(True, f"{path}: {reads[0].strip()} in a build script reads other files")
    name = (
        first(re.compile(r"rootProject\.name\s*=\s*['\"]([^'\"$]+)['\"]"), masked[settings], settings)
        if settings
        else None
    )
    version = first(re.compile(r"^\s*version\s*=?\s*['\"]([^'\"$]+)['\"]", re.M), masked[path], path)
    outputs: Known[tuple[str, ...]] | Unknown
    if needs.value:
        outputs = Unknown(needs.evidence)
    elif re.search(r"archive(?:FileName|BaseName|Version)|jar\.enabled|archivesBaseName", whole):
        outputs = Unknown(f"{path}: the archive's name is set in code")
    elif name is not None:
        outputs = Known((f"build/libs/{name.value}{'-' + version.value if version else ''}.jar",), name.evidence)
    else:
        outputs = Unknown(f"{path}: without rootProject.name the archive is named after the folder")
    program = "./gradlew" if any(extra.endswith("gradlew") for extra in extras) else "gradle"
    names = set(re.findall(r"['\"]([\w.-]+(?::[\w.-]+)*)['\"]", whole))
    flat = {part for one in names for part in one.split(":")} | {one.rsplit(".", 1)[-1] for one in names if "." in one}
    if "org.springframework.boot" in names:
        flat.add("spring-boot")
    details: dict[str, Known[str]] = {}
    java = first(
        re.compile(r"(?:JavaLanguageVersion\.of\(|sourceCompatibility\s*=\s*['\"]?(?:JavaVersion\.VERSION_)?)(\d+)"),
        whole,
        path,
    )
    if java is not None:
        details["java"] = Known(java.value, path)
    return App(
        "java", root, path, Known("gradle", path), (*found, *extras), locks, needs, _jvm_framework(flat, path),
        build=Known((program, "bootJar" if "spring-boot" in flat else "build"), path), outputs=outputs, details=details,
        metadata=describe({"name": name.value if name else None, "version": version.value if version else None}, path),
    )  # fmt: skip
