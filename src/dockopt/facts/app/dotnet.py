""".NET manifests: MSBuild project files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockopt.facts.app.model import App
from dockopt.facts.app.reading import join, load_xml, present
from dockopt.facts.value import Known, Unknown

if TYPE_CHECKING:
    from dockopt.facts.context import Context


def dotnet(context: Context, root: str) -> App | None:
    """A .NET project by its one project file."""
    names = [name for name in context.names(root) if name.endswith((".csproj", ".fsproj", ".vbproj"))]
    if not names:
        return None
    path = join(root, names[0])
    extras = present(
        context,
        root,
        (
            "global.json",
            "NuGet.config",
            "NuGet.Config",
            "nuget.config",
            "Directory.Build.props",
            "Directory.Build.targets",
            "Directory.Packages.props",
        ),
    )
    locks = present(context, root, ("packages.lock.json",))
    manifests = (*[join(root, name) for name in names], *extras)
    project = load_xml(context, path) if len(names) == 1 else None
    if project is None or isinstance(project, Unknown):
        why = project or Unknown(f"{root}: several project files: {', '.join(names)}")
        return App("dotnet", root, path, Known("nuget", path), manifests, locks, why, why, build=why, outputs=why)
    references = [one.get("Include", "") for one in project.value.iter("ProjectReference")]
    needs: Known[bool] | Unknown = Known(bool(references), f"{path}: {references[0]}" if references else path)
    details: dict[str, Known[str]] = {}
    for key, tag in (("framework", "TargetFramework"), ("assembly", "AssemblyName"), ("output", "OutputType")):
        element = next(iter(project.value.iter(tag)), None)
        if element is not None and element.text and "$" not in element.text:
            details[key] = Known(element.text.strip(), f"{path}: {tag}")
    sdk = project.value.get("Sdk") or ""
    details["sdk"] = Known(sdk, path)
    assembly = details["assembly"].value if "assembly" in details else names[0].rsplit(".", 1)[0]
    details.setdefault("assembly", Known(assembly, f"{path}, the file's name"))
    web = sdk == "Microsoft.NET.Sdk.Web"
    return App(
        "dotnet", root, path, Known("nuget", path), manifests, locks, needs,
        framework=Known("aspnetcore", f"{path}: Sdk") if web else Unknown(f"{path}: its Sdk is {sdk or 'not given'}, not Microsoft.NET.Sdk.Web"),
        build=Known(("dotnet", "publish", names[0], "-c", "Release", "-o", "out"), path), outputs=Known((f"out/{assembly}.dll",), path), details=details,
        metadata={"name": details["assembly"]},
    )  # fmt: skip
