"""Write which packages hold the libraries a ``-dev`` package links with, for Debian's and Ubuntu's releases.

    python tools/runtime_libraries.py RELEASE=FOLDER … > transforms/dockopt_transforms/stages/libraries.txt

Each FOLDER holds the package lists of one release as ``apt-get update`` leaves them (its ``Dir::State::lists``).
A library counts where the ``-dev`` package depends on it; a ``-dev`` package that depends on no library but on
other ``-dev`` packages stands for what those stand for. ``-dev`` packages of NAMES alone are written: those that
Dockerfiles install.
"""

from __future__ import annotations

import datetime
import pathlib
import re
import sys

NAMES = [
    "default-libmysqlclient-dev",
    "freeglut3-dev",
    "libacl1-dev",
    "libaio-dev",
    "libapr1-dev",
    "libaprutil1-dev",
    "libargon2-dev",
    "libasound2-dev",
    "libass-dev",
    "libatlas-base-dev",
    "libattr1-dev",
    "libavcodec-dev",
    "libavdevice-dev",
    "libavfilter-dev",
    "libavformat-dev",
    "libavutil-dev",
    "libblas-dev",
    "libboost-all-dev",
    "libboost-date-time-dev",
    "libboost-filesystem-dev",
    "libboost-iostreams-dev",
    "libboost-program-options-dev",
    "libboost-python-dev",
    "libboost-regex-dev",
    "libboost-system-dev",
    "libboost-thread-dev",
    "libbrotli-dev",
    "libbsd-dev",
    "libbz2-dev",
    "libcairo2-dev",
    "libcap-dev",
    "libcups2-dev",
    "libcurl4-gnutls-dev",
    "libcurl4-openssl-dev",
    "libdb-dev",
    "libdbus-1-dev",
    "libedit-dev",
    "libelf-dev",
    "libev-dev",
    "libevent-dev",
    "libexif-dev",
    "libexpat1-dev",
    "libffi-dev",
    "libfftw3-dev",
    "libfontconfig1-dev",
    "libfreeimage-dev",
    "libfreetype-dev",
    "libfreetype6-dev",
    "libfribidi-dev",
    "libfuse-dev",
    "libgc-dev",
    "libgcrypt20-dev",
    "libgd-dev",
    "libgdal-dev",
    "libgdbm-dev",
    "libgdk-pixbuf-2.0-dev",
    "libgeos-dev",
    "libgeotiff-dev",
    "libgflags-dev",
    "libgif-dev",
    "libgirepository1.0-dev",
    "libgl1-mesa-dev",
    "libglew-dev",
    "libglib2.0-dev",
    "libglu1-mesa-dev",
    "libgmp-dev",
    "libgmp3-dev",
    "libgnutls28-dev",
    "libgoogle-glog-dev",
    "libgoogle-perftools-dev",
    "libgpgme-dev",
    "libgraphviz-dev",
    "libgrpc++-dev",
    "libgsl-dev",
    "libgtk-3-dev",
    "libharfbuzz-dev",
    "libhdf5-dev",
    "libhdf5-serial-dev",
    "libheif-dev",
    "libhiredis-dev",
    "libhwloc-dev",
    "libibverbs-dev",
    "libicu-dev",
    "libimlib2-dev",
    "libjansson-dev",
    "libjemalloc-dev",
    "libjpeg-dev",
    "libjpeg-turbo8-dev",
    "libjpeg62-turbo-dev",
    "libjpeg8-dev",
    "libjson-c-dev",
    "libjsoncpp-dev",
    "libkrb5-dev",
    "liblapack-dev",
    "liblcms2-dev",
    "libldap-dev",
    "libldap2-dev",
    "libleptonica-dev",
    "libleveldb-dev",
    "liblmdb-dev",
    "libltdl-dev",
    "libluajit-5.1-dev",
    "liblz4-dev",
    "liblzma-dev",
    "liblzo2-dev",
    "libmagic-dev",
    "libmagick++-dev",
    "libmagickcore-dev",
    "libmagickwand-dev",
    "libmariadb-dev",
    "libmariadb-dev-compat",
    "libmaxminddb-dev",
    "libmcrypt-dev",
    "libmecab-dev",
    "libmemcached-dev",
    "libmicrohttpd-dev",
    "libmpfr-dev",
    "libmysqlclient-dev",
    "libncurses-dev",
    "libncurses5-dev",
    "libncursesw5-dev",
    "libnetcdf-dev",
    "libnghttp2-dev",
    "libnss3-dev",
    "libnuma-dev",
    "libonig-dev",
    "libopenblas-dev",
    "libopencv-dev",
    "libopenexr-dev",
    "libopenjp2-7-dev",
    "libopenmpi-dev",
    "libopus-dev",
    "libpam0g-dev",
    "libpango1.0-dev",
    "libpcap-dev",
    "libpcre2-dev",
    "libpcre3-dev",
    "libpng-dev",
    "libpoppler-cpp-dev",
    "libpq-dev",
    "libproj-dev",
    "libprotobuf-dev",
    "libpulse-dev",
    "libqhull-dev",
    "libreadline-dev",
    "librdkafka-dev",
    "librocksdb-dev",
    "librtmp-dev",
    "libsasl2-dev",
    "libsdl2-dev",
    "libseccomp-dev",
    "libsecp256k1-dev",
    "libsnappy-dev",
    "libsndfile1-dev",
    "libsnmp-dev",
    "libsodium-dev",
    "libspatialindex-dev",
    "libspeex-dev",
    "libsqlite3-dev",
    "libssh-dev",
    "libssh2-1-dev",
    "libssl-dev",
    "libsystemd-dev",
    "libtag1-dev",
    "libtbb-dev",
    "libtesseract-dev",
    "libtiff-dev",
    "libtiff5-dev",
    "libtinfo-dev",
    "libturbojpeg0-dev",
    "libudev-dev",
    "libunwind-dev",
    "libusb-1.0-0-dev",
    "libuv1-dev",
    "libv4l-dev",
    "libvips-dev",
    "libvorbis-dev",
    "libvpx-dev",
    "libwebp-dev",
    "libx11-dev",
    "libx264-dev",
    "libx265-dev",
    "libxcb1-dev",
    "libxext-dev",
    "libxft-dev",
    "libxi-dev",
    "libxml2-dev",
    "libxmlsec1-dev",
    "libxmu-dev",
    "libxpm-dev",
    "libxrandr-dev",
    "libxrender-dev",
    "libxslt-dev",
    "libxslt1-dev",
    "libxt-dev",
    "libxtst-dev",
    "libyajl-dev",
    "libyaml-cpp-dev",
    "libyaml-dev",
    "libz-dev",
    "libzip-dev",
    "libzmq3-dev",
    "libzstd-dev",
    "nettle-dev",
    "ncurses-dev",
    "odbc-postgresql",
    "portaudio19-dev",
    "unixodbc-dev",
    "uuid-dev",
    "zlib1g-dev",
    "libboost-dev",
    "libboost-test-dev",
    "libeigen3-dev",
    "rapidjson-dev",
    "nlohmann-json3-dev",
    "libc6-dev",
    "libstdc++-12-dev",
]  # headers alone: libboost-dev and what follows it

Package = dict[str, str]


def read(folder: pathlib.Path) -> dict[str, Package]:
    found: dict[str, Package] = {}
    for path in sorted(folder.glob("*_Packages")):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] != " ")
            if "Package" in fields:
                found.setdefault(fields["Package"], fields)
    for fields in list(found.values()):
        for name in _names(fields.get("Provides", "")):
            found.setdefault(name, fields)
    return found


def _names(text: str) -> list[str]:
    return [re.split(r"[ (:|]", part.strip())[0] for part in text.split(",") if part.strip()]


def libraries(name: str, packages: dict[str, Package], depth: int = 0) -> set[str]:
    """The packages with the shared libraries behind a ``-dev`` package."""
    fields = packages[name]
    needed = [one for one in _names(fields.get("Depends", "")) if one in packages]
    # A versioned library has a number in its name and is no header, tool or data package.
    found = {
        packages[one]["Package"]
        for one in needed
        if re.match(r"(?:lib.*\d|zlib1g)", one)
        and not re.search(r"-dev(?:-bin)?$|-(?:bin|tools|data|common|doc|plugins?|perl|java)$", one)
        and packages[one].get("Section", "").split("/")[-1] in ("libs", "oldlibs")
    }
    found -= {"libc6", "libgcc-s1", "libstdc++6"}
    if not found and depth < 3:
        for one in needed:
            if one.endswith("-dev") or re.search(r"-dev\b", one):
                found |= libraries(one, packages, depth + 1)
    return found


def main() -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    releases = []
    for argument in sys.argv[1:]:
        release, _, folder = argument.partition("=")
        releases.append(release)
        packages = read(pathlib.Path(folder))
        for name in NAMES:
            if name in packages:
                rows.setdefault((name, " ".join(sorted(libraries(name, packages)))), []).append(release)
    day = datetime.date.today().isoformat()
    print(f"# Written by tools/runtime_libraries.py on {day} from the package lists of {', '.join(releases)}.")
    for (name, found), where in sorted(rows.items()):
        print(f"{name}\t{' '.join(where)}\t{found}")


if __name__ == "__main__":
    main()
