import io
import sqlite3
import struct

from dockopt.build.packages import Packages, packages
from dockopt.build.tree import flatten, read_layer
from tests.build.archives import layer


def read(**files: bytes) -> Packages:
    return packages(flatten([read_layer(io.BytesIO(layer(*files.items())))]))


def test_dpkg() -> None:
    status = (
        b"Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 8.1-2\nDescription: x\n Package: no\n\n"
        b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41\n"
    )
    found = read(
        **{
            "var/lib/dpkg/status": status,
            "var/lib/dpkg/info/curl.list": b"/.\n/usr\n/usr/bin/curl\n",
            "var/lib/dpkg/info/libc6:amd64.list": b"/lib/libc.so\n",
        }
    )
    assert found.versions == {"apt:curl": "8.1-2", "apt:libc6": "2.41"}
    assert found.owners["/usr/bin/curl"] == "apt:curl"
    assert found.owners["/usr/lib/libc.so"] == "apt:libc6"


def test_distroless() -> None:
    found = read(**{"var/lib/dpkg/status.d/base": b"Package: base-files\nVersion: 12\n"})
    assert found.versions == {"apt:base-files": "12"}


def test_apk() -> None:
    found = read(**{"lib/apk/db/installed": b"P:musl\nV:1.2.5\nF:lib\nR:ld.so\nF:\nR:x\n\nP:zlib\nV:1.3\n"})
    assert found.versions == {"apk:musl": "1.2.5", "apk:zlib": "1.3"}
    assert found.owners == {"/lib/ld.so": "apk:musl", "/x": "apk:musl"}


def test_pip_and_npm() -> None:
    site = "usr/lib/python3/site-packages"
    found = read(
        **{
            f"{site}/Flask_Thing-3.0.1.dist-info/METADATA": b"Name: x",
            f"{site}/old-1.0-py3.13.egg-info/PKG-INFO": b"",
            f"{site}/older-0.9.egg-info": b"",
            "srv/notes-1.0.dist-info/METADATA": b"not in a packages folder",
            "app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.0"}',
            "app/node_modules/@a/b/package.json": b'{"name": "@a/b", "version": "2.0.0"}',
            "app/node_modules/x/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.1.0"}',
            "app/node_modules/bad/package.json": b"{",
            "app/node_modules/x/test/fixtures/package.json": b'{"name": "no", "version": "1"}',
            "app/package.json": b'{"name": "app", "version": "1"}',
        }
    )
    assert found.versions == {
        "pip:flask-thing": "3.0.1",
        "pip:old": "1.0",
        "pip:older": "0.9",
        "npm:left-pad": "1.1.0, 1.3.0",
        "npm:@a/b": "2.0.0",
    }


def test_a_module_that_dpkg_brought_is_dpkgs() -> None:
    metadata = "usr/lib/python3/dist-packages/PyYAML-6.0.2.egg-info/PKG-INFO"
    found = read(
        **{
            "var/lib/dpkg/status": b"Package: python3-yaml\nStatus: install ok installed\nVersion: 6\n",
            "var/lib/dpkg/info/python3-yaml.list": f"/.\n/{metadata}\n".encode(),
            metadata: b"",
        }
    )
    assert found.versions == {"apt:python3-yaml": "6"}


def header(**tags: object) -> bytes:
    """A package header as rpm stores it: index entries, then data."""
    index, data = b"", b""
    for name, value in tags.items():
        tag = int(name[1:])
        if isinstance(value, str):
            kind, count, raw = 6, 1, value.encode() + b"\0"
        elif isinstance(value[0], str):  # type: ignore[index]
            kind, count, raw = 8, len(value), b"".join(each.encode() + b"\0" for each in value)  # type: ignore
        else:
            data += bytes(-len(data) % 4)
            kind, count, raw = 4, len(value), struct.pack(f">{len(value)}I", *value)  # type: ignore
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += raw
    return struct.pack(">II", len(tags), len(data)) + index + data


def test_rpm() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)")
    bash = header(
        t1000="bash", t1001="5.2", t1002="1.fc40", t1116=[0, 1], t1117=["bash", "x"], t1118=["/usr/bin/", "/etc/"]
    )
    key = header(t1000="gpg-pubkey", t1001="1", t1002="1")
    database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(bash,), (key,)])
    database.commit()
    found = read(**{"var/lib/rpm/rpmdb.sqlite": database.serialize()})
    assert found.versions == {"rpm:bash": "5.2-1.fc40"}
    assert found.owners == {"/usr/bin/bash": "rpm:bash", "/etc/x": "rpm:bash"}
    assert read(**{"var/lib/rpm/rpmdb.sqlite": b"SQLite format 3\0broken"}).versions == {}
