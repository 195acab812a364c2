import io
import json

import pytest

from dockopt.build.engine import LABEL
from dockopt.build.image import Image, ImageUnreadable, Reader, config_of
from tests.build.archives import layer, save

BASE = layer(("a", b"base" * 1000))


def test_layers_history_and_sizes() -> None:
    config = {
        "history": [
            {"created_by": "base"},
            {"created_by": "ENV A=1", "empty_layer": True},
            {"created_by": "RUN x"},
        ]
    }
    archive = save((config, [BASE, layer(("b", b"22"))]))
    (image,) = Reader(compress=True).read(io.BytesIO(archive), 1)
    assert [(step.instruction, step.layer is not None) for step in image.steps()] == [
        ("base", True),
        ("ENV A=1", False),
        ("RUN x", True),
    ]
    assert image.size == 4002
    assert 0 < image.compressed < 4000
    assert sorted(image.tree().nodes) == ["/a", "/b"]


def test_compressed_layers_count_as_they_are() -> None:
    zipped = layer(("a", b"base" * 1000), zipped=True)
    (image,) = Reader(compress=True).read(io.BytesIO(save(({}, [zipped]))), 1)
    assert image.compressed == len(zipped) and image.size == 4000


def test_common_layers_are_read_once() -> None:
    reader = Reader()
    one, two = reader.read(io.BytesIO(save(({}, [BASE]), ({"os": "linux"}, [BASE, layer(("b", b"2"))]))), 2)
    (three,) = reader.read(io.BytesIO(save(({}, [BASE]))), 1)
    assert one.layers[0] is two.layers[0] is three.layers[0]


@pytest.mark.parametrize("archive", [b"", b"nonsense" * 200, save(), save(({}, []))[:700]])
def test_unreadable(archive: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        Reader().read(io.BytesIO(archive), 1)


def test_config_is_flat_and_named_as_effects_are() -> None:
    config = {
        "Cmd": ["a", "b"],
        "Env": ["A=1=2", "B="],
        "Labels": {"x": "y", LABEL: "1-2"},
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "User": "app",
        "WorkingDir": "/w",
        "Entrypoint": None,
        "Healthcheck": {"Test": ["CMD", "x"]},
    }
    found = config_of(Image({"config": config, "os": "linux", "architecture": "amd64", "author": "me"}, ()))
    assert found == {
        "cmd": json.dumps(["a", "b"]),
        "env:A": "1=2",
        "env:B": "",
        "label:x": "y",
        "expose:80/tcp": "exposed",
        "volume:/data": "a volume",
        "user": "app",
        "workdir": "/w",
        "healthcheck": '{"Test": ["CMD", "x"]}',
        "author": "me",
        "platform": "linux/amd64",
    }
