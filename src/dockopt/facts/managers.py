"""Package managers: one table of their commands, verbs, flags, caches and cleanups.

Sources: apt-get(8), apk(8), dnf(8), yum(8), zypper(8), pacman(8), ``pip help install``, npm's, yarn's,
pnpm's and bun's command references, ``gem help install``, bundle-install(1), composer's CLI page, conda's
command reference, the command-line pages of Maven, Gradle and .NET.
"""

from __future__ import annotations

from typing import NamedTuple


class Manager(NamedTuple):
    """One package manager.

    ``value_flags`` take their value in the next word when it is not attached with ``=``; the short ones
    also attached (``-oDpkg::x``). ``value_verbs`` map a verb to what it means: ``install``, ``update``
    (the package lists), ``upgrade``, ``remove``, ``clean``, ``other``.
    """

    name: str
    commands: tuple[str, ...]
    verbs: dict[str, str]
    value_flags: frozenset[str] = frozenset()
    yes_flags: frozenset[str] = frozenset()
    caches: tuple[str, ...] = ()  #: directories the manager fills and an image does not need


def _flags(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DNF_VERBS = {
    "install": "install",
    "localinstall": "install",
    "groupinstall": "install",
    "reinstall": "install",
    "builddep": "install",
    "module": "other",
    "group": "other",
    "update": "upgrade",
    "upgrade": "upgrade",
    "upgrade-minimal": "upgrade",
    "update-minimal": "upgrade",
    "distro-sync": "upgrade",
    "makecache": "update",
    "check-update": "update",
    "remove": "remove",
    "erase": "remove",
    "autoremove": "remove",
    "clean": "clean",
}
_DNF_FLAGS = _flags(
    "-c --config -d --debuglevel -e --errorlevel --installroot --releasever --enablerepo --disablerepo --repo "
    "--repoid -x --exclude --disableexcludes --setopt --downloaddir --destdir --color --comment --forcearch --advisory"
)
_APT_FLAGS = _flags(
    "-o --option -c --config-file -t --target-release --default-release -a --host-architecture -P --build-profiles"
)

MANAGERS: tuple[Manager, ...] = (
    Manager(
        "apt",
        ("apt-get", "apt", "aptitude"),
        {
            "install": "install",
            "reinstall": "install",
            "build-dep": "install",
            "satisfy": "install",
            "update": "update",
            "upgrade": "upgrade",
            "dist-upgrade": "upgrade",
            "full-upgrade": "upgrade",
            "safe-upgrade": "upgrade",
            "remove": "remove",
            "purge": "remove",
            "autoremove": "remove",
            "auto-remove": "remove",
            "autopurge": "remove",
            "clean": "clean",
            "autoclean": "clean",
            "auto-clean": "clean",
            "distclean": "clean",
            "download": "other",
            "source": "other",
            "check": "other",
            "dselect-upgrade": "upgrade",
        },
        _APT_FLAGS,
        _flags("-y --yes --assume-yes"),
        ("/var/lib/apt/lists", "/var/cache/apt"),
    ),
    Manager(
        "apk",
        ("apk",),
        {
            "add": "install",
            "update": "update",
            "upgrade": "upgrade",
            "fix": "other",
            "del": "remove",
            "cache": "clean",
            "fetch": "other",
            "info": "other",
        },
        _flags(
            "-p --root -X --repository -t --virtual --wait --keys-dir --repositories-file --arch --cache-dir --cache-max-age --progress-fd --timeout"
        ),
        frozenset(),
        ("/var/cache/apk",),
    ),
    Manager(
        "dnf",
        ("dnf", "dnf5"),
        _DNF_VERBS,
        _DNF_FLAGS,
        _flags("-y --assumeyes"),
        ("/var/cache/dnf", "/var/cache/libdnf5"),
    ),
    Manager("yum", ("yum",), _DNF_VERBS, _DNF_FLAGS, _flags("-y --assumeyes"), ("/var/cache/yum", "/var/cache/dnf")),
    Manager(
        "microdnf",
        ("microdnf",),
        _DNF_VERBS,
        _DNF_FLAGS,
        _flags("-y --assumeyes"),
        ("/var/cache/yum", "/var/cache/dnf"),
    ),
    Manager(
        "zypper",
        ("zypper",),
        {
            "install": "install",
            "in": "install",
            "source-install": "install",
            "si": "install",
            "refresh": "update",
            "ref": "update",
            "update": "upgrade",
            "up": "upgrade",
            "patch": "upgrade",
            "dist-upgrade": "upgrade",
            "dup": "upgrade",
            "remove": "remove",
            "rm": "remove",
            "clean": "clean",
            "cc": "clean",
            "addrepo": "other",
            "ar": "other",
            "removerepo": "other",
            "rr": "other",
            "modifyrepo": "other",
            "mr": "other",
        },
        _flags(
            "-R --root -c --config -D --reposd-dir -C --cache-dir --raw-cache-dir --solv-cache-dir --pkg-cache-dir -p --plus-repo --plus-content --userdata -t --type -r --repo --name --from --download"
        ),
        _flags("-y --no-confirm -n --non-interactive"),
        ("/var/cache/zypp",),
    ),
    Manager(
        "pacman",
        ("pacman", "yay", "paru"),
        {},
        _flags(
            "-b --dbpath -r --root --arch --cachedir --color --config --gpgdir --hookdir --logfile --ignore --ignoregroup --overwrite --assume-installed"
        ),
        _flags("--noconfirm"),
        ("/var/cache/pacman/pkg",),
    ),
    Manager(
        "pip",
        ("pip", "pip2", "pip3"),
        {
            "install": "install",
            "download": "other",
            "wheel": "other",
            "uninstall": "remove",
            "cache": "clean",
            "config": "other",
            "freeze": "other",
            "list": "other",
            "check": "other",
        },
        _flags(
            "-r --requirement -c --constraint -e --editable -t --target --platform --python-version --implementation --abi "
            "--root --prefix --src --upgrade-strategy --global-option --install-option --build-option --config-settings -C "
            "--no-binary --only-binary --progress-bar --root-user-action -i --index-url --extra-index-url -f --find-links "
            "--report --group --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert --cache-dir --log "
            "--python --use-feature --use-deprecated --keyring-provider -b --build --uploaded-prior-to --resume-retries --no-clean-dir"
        ),
        frozenset(),
        ("/root/.cache/pip",),
    ),
    Manager(
        "npm",
        ("npm",),
        {
            "install": "install",
            "i": "install",
            "in": "install",
            "ins": "install",
            "add": "install",
            "ci": "install",
            "clean-install": "install",
            "install-clean": "install",
            "update": "upgrade",
            "up": "upgrade",
            "uninstall": "remove",
            "remove": "remove",
            "rm": "remove",
            "prune": "remove",
            "cache": "clean",
            "run": "other",
            "run-script": "other",
            "rebuild": "other",
            "link": "other",
            "config": "other",
            "set": "other",
            "start": "other",
            "test": "other",
        },
        _flags(
            "--prefix -C --registry --cache --userconfig --globalconfig --loglevel --omit --include --only --workspace -w --tag --install-strategy --network-timeout --fetch-timeout --fetch-retries --python --cwd"
        ),
        _flags("-y --yes"),
        ("/root/.npm",),
    ),
    Manager(
        "yarn",
        ("yarn", "yarnpkg"),
        {
            "install": "install",
            "add": "install",
            "upgrade": "upgrade",
            "remove": "remove",
            "cache": "clean",
            "global": "install",
            "build": "other",
            "run": "other",
            "start": "other",
            "workspaces": "other",
            "workspace": "other",
            "config": "other",
            "set": "other",
        },
        _flags(
            "--cwd --cache-folder --modules-folder --mutex --network-timeout --network-concurrency --registry --use-yarnrc --global-folder --link-folder"
        ),
        frozenset(),
        ("/usr/local/share/.cache/yarn", "/root/.cache/yarn"),
    ),
    Manager(
        "pnpm",
        ("pnpm",),
        {
            "install": "install",
            "i": "install",
            "add": "install",
            "update": "upgrade",
            "remove": "remove",
            "store": "clean",
            "fetch": "install",
            "run": "other",
            "build": "other",
            "deploy": "other",
        },
        _flags(
            "-C --dir --store-dir --filter -F --registry --reporter --loglevel --network-concurrency --child-concurrency"
        ),
        frozenset(),
        ("/root/.local/share/pnpm/store",),
    ),
    Manager(
        "bun",
        ("bun",),
        {
            "install": "install",
            "i": "install",
            "add": "install",
            "remove": "remove",
            "pm": "clean",
            "run": "other",
            "build": "other",
        },
        _flags("--cwd --cache-dir --registry --config -c"),
        frozenset(),
        ("/root/.bun/install/cache",),
    ),
    Manager(
        "gem",
        ("gem",),
        {
            "install": "install",
            "i": "install",
            "update": "upgrade",
            "uninstall": "remove",
            "cleanup": "clean",
            "build": "other",
        },
        _flags(
            "-v --version -i --install-dir -n --bindir --build-root --platform -P --trust-policy -s --source -p --http-proxy --config-file --file -g"
        ),
        frozenset(),
        ("/usr/local/bundle/cache",),
    ),
    Manager(
        "bundle",
        ("bundle", "bundler"),
        {"install": "install", "update": "upgrade", "clean": "clean", "config": "other", "exec": "other"},
        _flags(
            "--gemfile --path --jobs -j --retry --without --with --binstubs --shebang --target-rbconfig --trust-policy"
        ),
        frozenset(),
        (),
    ),
    Manager(
        "composer",
        ("composer", "composer.phar"),
        {
            "install": "install",
            "i": "install",
            "require": "install",
            "create-project": "install",
            "update": "upgrade",
            "u": "upgrade",
            "remove": "remove",
            "clear-cache": "clean",
            "clearcache": "clean",
            "global": "other",
            "config": "other",
            "dump-autoload": "other",
            "dumpautoload": "other",
            "run-script": "other",
        },
        _flags("-d --working-dir --prefer-install --ignore-platform-req --apcu-autoloader-prefix"),
        _flags("-n --no-interaction"),
        ("/root/.composer/cache", "/tmp/cache"),
    ),
    Manager(
        "conda",
        ("conda", "mamba", "micromamba"),
        {
            "install": "install",
            "create": "install",
            "update": "upgrade",
            "upgrade": "upgrade",
            "remove": "remove",
            "uninstall": "remove",
            "clean": "clean",
            "env": "other",
            "config": "other",
            "init": "other",
            "run": "other",
        },
        _flags(
            "-n --name -p --prefix -c --channel -f --file --repodata-fn --solver --experimental-solver --subdir --platform"
        ),
        _flags("-y --yes"),
        ("/opt/conda/pkgs",),
    ),
    Manager(
        "cargo",
        ("cargo",),
        {"install": "install", "build": "other", "fetch": "other", "update": "other", "test": "other", "run": "other"},
        _flags(
            "--manifest-path --target --target-dir --features -F -p --package --bin --example --profile -j --jobs --version --git --branch --tag --rev --path --root --registry --index --color --config -Z -C"
        ),
        frozenset(),
        ("/usr/local/cargo/registry", "/root/.cargo/registry"),
    ),
    Manager(
        "go",
        ("go",),
        {
            "install": "install",
            "get": "install",
            "mod": "other",
            "build": "other",
            "test": "other",
            "generate": "other",
            "run": "other",
            "clean": "clean",
            "env": "other",
            "vet": "other",
        },
        _flags("-C -o -p -mod -modfile -tags -ldflags -gcflags -asmflags -overlay -pkgdir -toolexec"),
        frozenset(),
        ("/go/pkg/mod", "/root/.cache/go-build"),
    ),
    # Build tools: their verbs are phases and tasks of a project, none of which names a package.
    Manager(
        "maven",
        ("mvn", "mvnw", "mvnd"),
        {},
        _flags(
            "-f --file -pl --projects -P --activate-profiles -rf --resume-from -s --settings -gs --global-settings -T --threads -l --log-file -t --toolchains -D --define"
        ),
        frozenset(),
        ("/root/.m2/repository",),
    ),
    Manager(
        "gradle",
        ("gradle", "gradlew"),
        {},
        _flags(
            "-b --build-file -c --settings-file -g --gradle-user-home -I --init-script -p --project-dir -x --exclude-task --project-cache-dir --console --max-workers -D -P"
        ),
        frozenset(),
        ("/root/.gradle/caches",),
    ),
    Manager(
        "dotnet",
        ("dotnet",),
        {"nuget": "clean"},
        _flags(
            "-c --configuration -o --output -f --framework -r --runtime -s --source -v --verbosity --packages --configfile --os -a --arch"
        ),
        frozenset(),
        ("/root/.nuget/packages",),
    ),
)

BY_NAME: dict[str, Manager] = {manager.name: manager for manager in MANAGERS}
BY_COMMAND: dict[str, Manager] = {command: manager for manager in MANAGERS for command in manager.commands}
