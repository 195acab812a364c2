"""Layers laid on top of each other, as the OCI image specification has it."""

import io
import tarfile

import pytest

from dockopt.build.tree import Tree, flatten, read_layer
from tests.build.archives import layer


def tree(*layers: bytes) -> Tree:
    return flatten(read_layer(io.BytesIO(each)) for each in layers)


def test_whiteouts_remove_files_and_whole_folders() -> None:
    found = tree(
        layer(("a", b"1"), ("d", None), ("d/x", b"2"), ("d/e", None), ("d/e/y", b"3"), ("dx", b"4")),
        layer((".wh.a", b""), (".wh.d", b"")),
    )
    assert sorted(found.nodes) == ["/dx"]


def test_opaque_folder_hides_what_is_below_and_keeps_its_own() -> None:
    found = tree(
        layer(("d", None), ("d/old", b"1"), ("e", b"2")),
        layer(("d", None), ("d/.wh..wh..opq", b""), ("d/new", b"3")),
    )
    assert sorted(found.nodes) == ["/d", "/d/new", "/e"]


def test_file_in_place_of_a_folder() -> None:
    found = tree(layer(("d", None), ("d/x", b"1")), layer(("d", b"now a file")))
    assert sorted(found.nodes) == ["/d"] and found.nodes["/d"].kind == "file"


def test_removed_and_made_again_in_a_later_layer() -> None:
    found = tree(layer(("a", b"1")), layer((".wh.a", b"")), layer(("./a", b"22")))
    assert found.nodes["/a"].size == 2


def test_what_a_node_tells() -> None:
    found = tree(
        layer(
            ("bin/ping", {"data": b"x", "mode": 0o4755, "uid": 3, "gid": 4, "pax_headers": {"SCHILY.xattr.security.capability": "cap"}}),
            ("link", {"type": tarfile.SYMTYPE, "linkname": "bin/ping"}),
            ("twin", {"type": tarfile.LNKTYPE, "linkname": "bin/ping"}),
            ("null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
            ("pipe", {"type": tarfile.FIFOTYPE}),
        )
    ).nodes  # fmt: skip
    ping = found["/bin/ping"]
    assert (ping.kind, ping.mode, ping.uid, ping.gid, ping.capability) == ("file", 0o4755, 3, 4, "cap")
    assert (found["/link"].kind, found["/link"].target) == ("symlink", "bin/ping")
    assert found["/twin"] == ping
    assert (found["/null"].kind, found["/null"].target) == ("char", "1:3")
    assert found["/pipe"].kind == "fifo"


def test_compressed_layer_is_the_same() -> None:
    members = (("a", b"1"), ("b", b"2"))
    assert tree(layer(*members)) == tree(layer(*members, zipped=True))


def test_bytecode_and_shadow_are_compared_without_their_times() -> None:
    def one(mtime: bytes, day: bytes) -> Tree:
        return tree(
            layer(
                ("a.pyc", b"\xa7\r\r\n" + bytes(4) + mtime + b"SIZEcode"),
                ("etc/shadow", b"root:*:" + day + b":0:99999:7:::\n"),
            )
        )

    assert one(b"1234", b"20000") == one(b"5678", b"20001")
    hashed = [
        tree(layer(("a.pyc", b"\xa7\r\r\n\x01\0\0\0" + digest + b"code"))) for digest in (b"12345678", b"87654321")
    ]
    assert hashed[0] != hashed[1]


def test_no_archive() -> None:
    with pytest.raises(tarfile.TarError):
        read_layer(io.BytesIO(b"this is no archive" * 100))
