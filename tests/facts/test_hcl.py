"""The subset of HCL that bake files need, and that the rest is UNREAD rather than wrong."""

import pytest

from dockopt.facts.hcl import UNREAD, Block, HclError, interpolate, parse


def attributes(text: str) -> dict[str, object]:
    return parse(text)[0].attributes


def test_blocks_and_lines() -> None:
    blocks = parse(
        '// c\n# c\n/* c\n */\ntarget "app" {\n  context = "."\n}\n\ngroup "default" { targets = ["app", "db",] }\n'
    )
    assert blocks[1] == Block("target", ("app",), {"context": "."}, (), 5)
    assert blocks[2] == Block("group", ("default",), {"targets": ["app", "db"]}, (), 9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a = "x"', "x"),
        ('a = "say \\"hi\\"\\n"', 'say "hi"\n'),
        ("a = 12", "12"),
        ("a = true", "true"),
        ('a = ["x", "y"]', ["x", "y"]),
        ("a = []", []),
        ('a = { k = "v", "l.m": "w" }', {"k": "v", "l.m": "w"}),
        ('a = {\n  k = "v"\n  l = "w"\n}', {"k": "v", "l": "w"}),
        ("a = <<EOT\nFROM x\nEOT", "FROM x\n"),
        ("a = <<-EOT\n  x\n  EOT", "  x\n"),
        ('a = "x" // tail', "x"),
    ],
)
def test_values(text: str, value: object) -> None:
    assert attributes(text + "\n") == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        'a = notequal("", X) ? "1" : "2"',
        'a = X == "" ? "1" : "2"',
        'a = equal(a, b)',
        'a = [for x in y : x]',
        'a = {for x in y : x => x}',
        'a = ("x")',
        'a = !x',
        'a = 1 + 2',
        'a = target.app.context',
        'a = x["y"]',
        'a = f(\n  "x",\n  "y"\n)',
    ],
)  # fmt: skip
def test_expressions_are_unread_and_what_follows_is_read(text: str) -> None:
    found = attributes(text + '\nb = "after"\n')
    assert found["b"] == "after"
    value = found["a"]
    assert value is UNREAD, value


def test_interpolation() -> None:
    variables: dict[str, object] = {"DIR": "svc", "LATER": UNREAD}
    assert interpolate("${DIR}/app", variables) == "svc/app"
    assert interpolate(attributes("a = DIR\n")["a"], variables) == "svc"
    for text in ("${LATER}/app", "${NONE}", '${f("x")}', "%{ if x }y%{ endif }"):
        assert interpolate(text, variables) is UNREAD
    assert interpolate(["x"], variables) == ["x"]


@pytest.mark.parametrize(
    "text", ['a = "x', "target {", 'target "a" {\n', "a = [1", "a = @", "= 1", "a = <<EOT\nx\n", "a = }", "a b c"]
)
def test_what_is_no_hcl_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(HclError, match="line "):
        parse(text)


def test_a_template_with_quotes_inside() -> None:
    assert attributes('a = "${join("-", ["x"])}-tail"\nb = "y"\n')["b"] == "y"
