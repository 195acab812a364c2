"""System packages by the side of a split they belong to: what only builds, and which libraries that links with."""

from __future__ import annotations

import os

from dockopt.api import BaseImage, Known, Unknown
from dockopt_transforms._tables import word_set as words

# What a build needs and nothing that runs does: compilers, linkers, generators, headers of languages.
BUILD_ONLY = words("""
    alpine-sdk autoconf autoconf2.13 autogen automake autopoint autotools-dev binutils bison build-base build-essential byacc ccache cargo clang
    cmake cpp debhelper devscripts dh-autoreconf dpkg-dev flex g++ g++-multilib gcc gcc-multilib gfortran help2man intltool libc-dev
    libc6-dev libtool libtool-bin linux-headers linux-libc-dev lld llvm m4 make meson musl-dev nasm ninja-build patchelf pkg-config
    pkgconf protobuf-compiler python-all-dev python-dev python2-dev python2.7-dev python3-all-dev python3-dev
    python3-wheel ruby-dev rustc samurai scons swig yasm
    """)
# What builds may call while they fetch or unpack; everything else that is no header stays on the side that runs.
RUN_ONLY = words("""
    bash cron dumb-init ffmpeg figlet fontconfig fonts-dejavu fonts-dejavu-core fonts-liberation fonts-noto ghostscript gosu
    htop imagemagick iproute2 iputils-ping jq less libgl1 libgl1-mesa-glx libglib2.0-0 libglib2.0-0t64 libgomp1 libpq5 libsm6
    libxext6 libxrender1 locales logrotate nano net-tools netcat netcat-openbsd netcat-traditional nginx poppler-utils
    postgresql-client procps rsync su-exec supervisor tesseract-ocr tini tzdata vim vim-tiny wkhtmltopdf redis-tools
    default-mysql-client mariadb-client
    """)
_APK_RUNTIME = {
    "brotli-dev": "brotli-libs",
    "bzip2-dev": "libbz2",
    "cairo-dev": "cairo",
    "curl-dev": "libcurl",
    "cyrus-sasl-dev": "libsasl",
    "expat-dev": "libexpat",
    "fontconfig-dev": "fontconfig",
    "freetype-dev": "freetype",
    "gdk-pixbuf-dev": "gdk-pixbuf",
    "giflib-dev": "giflib",
    "glib-dev": "glib",
    "gmp-dev": "gmp",
    "harfbuzz-dev": "harfbuzz",
    "icu-dev": "icu-libs",
    "imagemagick-dev": "imagemagick-libs",
    "jpeg-dev": "libjpeg-turbo",
    "krb5-dev": "krb5-libs",
    "lcms2-dev": "lcms2",
    "libevent-dev": "libevent",
    "libffi-dev": "libffi",
    "libjpeg-turbo-dev": "libjpeg-turbo",
    "libpng-dev": "libpng",
    "libpq-dev": "libpq",
    "librdkafka-dev": "librdkafka",
    "libsodium-dev": "libsodium",
    "libwebp-dev": "libwebp",
    "libxml2-dev": "libxml2",
    "libxslt-dev": "libxslt",
    "libzip-dev": "libzip",
    "mariadb-connector-c-dev": "mariadb-connector-c",
    "mariadb-dev": "mariadb-connector-c",
    "ncurses-dev": "ncurses-libs",
    "oniguruma-dev": "oniguruma",
    "openjpeg-dev": "openjpeg",
    "openldap-dev": "libldap",
    "pango-dev": "pango",
    "pcre-dev": "pcre",
    "pcre2-dev": "pcre2",
    "postgresql-dev": "libpq",
    "readline-dev": "readline",
    "snappy-dev": "snappy",
    "sqlite-dev": "sqlite-libs",
    "tiff-dev": "tiff",
    "unixodbc-dev": "unixodbc",
    "xz-dev": "xz-libs",
    "yaml-dev": "yaml",
    "zlib-dev": "zlib",
    "zstd-dev": "zstd-libs",
}
_APK_NONE = frozenset(("openssl-dev",))  # every image with Python, Node or Ruby has OpenSSL's libraries
_WITH_LIBRESSL = frozenset(("3.4", "3.5", "3.6", "3.7", "3.8"))
# By Debian's package; buildpack-deps brings all of these, the slim variants none.
PACKAGES = {
    "bzip2": "bzip2", "convert": "imagemagick", "curl": "curl", "file": "file", "free": "procps", "git": "git", "gpg": "gnupg", "hg": "mercurial",
    "identify": "imagemagick", "mogrify": "imagemagick", "openssl": "openssl", "pgrep": "procps", "pkill": "procps", "ps": "procps", "scp": "openssh-client",
    "sftp": "openssh-client", "ssh": "openssh-client", "svn": "subversion", "top": "procps", "unzip": "unzip", "uptime": "procps", "wget": "wget",
    "xz": "xz-utils", "mysql_config": "", "pg_config": "", "gcc": "", "g++": "", "cc": "", "c++": "", "make": "", "autoconf": "", "automake": "",
    "libtool": "", "patch": "patch", "ld": "", "as": "",
}  # fmt: skip
_tables: dict[str, dict[str, tuple[str, ...]]] = {}


def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    """By release: a ``-dev`` package and the packages with the libraries behind it."""
    if not _tables:
        with open(os.path.join(os.path.dirname(__file__), "libraries.txt"), encoding="utf-8") as file:
            for line in file:
                if line.startswith("#"):
                    continue
                name, releases, libraries = line.rstrip("\n").split("\t")
                for release in releases.split():
                    _tables.setdefault(release, {})[name] = tuple(libraries.split())
    return _tables


def bare(word: str) -> str:
    """A package's name without the version, release or architecture asked for."""
    for mark in ("=", "/", ":", "~", "<", ">"):
        word = word.partition(mark)[0]
    return word


def at_run_time(word: str, image: BaseImage) -> Known[tuple[str, ...]] | Unknown:
    """The packages that must be there where what was built with ``word`` runs; empty for a mere tool.

    ``word`` is as written, a version pin included; a package that is no build tool and no header stands
    for itself.
    """
    name = bare(word)
    if name == "gfortran":
        return Known(("libgfortran5" if image.manager == "apt" else "libgfortran",), "the compiler's own library")
    if image.manager == "apk" and name in ("g++", "build-base", "alpine-sdk"):
        return Known(("libstdc++",), "the compiler's own library, which Alpine's base has not")
    if name in BUILD_ONLY or (
        name.startswith(("gcc-", "g++-", "clang-", "llvm-", "linux-headers")) and "lib" not in name
    ):
        return Known((), "a build tool")
    if image.manager == "apk":
        if name in _APK_RUNTIME:
            return Known((_APK_RUNTIME[name],), "Alpine's package of the library")
        if name in _APK_NONE:
            if image.release in _WITH_LIBRESSL:
                return Unknown(
                    f"Alpine {image.release} has LibreSSL beside OpenSSL: which of them {name} links is not known"
                )
            return Known((), "the libraries are in the base image")
    elif name.endswith("-dev"):
        release = image.release
        if release not in _table():
            return Unknown(
                f"dockopt has no table of the libraries of {image.distribution} {release or image.reference}"
            )
        found = _table()[release].get(name)
        if found is not None:
            return Known(found, f"dependencies of {name} in {release}")
    if name.endswith("-dev") or "$" in name or not name:
        return Unknown(f"which packages run what was built with {name} is not known")
    return Known((word,), "no build tool")
