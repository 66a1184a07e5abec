"""How the embed script is made small: nothing is renamed but what is its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ringback.web.small_script import minify


@pytest.mark.parametrize(
    ("source", "small"),
    [
        ("function show(pane) { pane.name = pane.title; }", "function n(e){e.name=e.title}"),
        ("function show(pane) { return { pane: pane.pane }; }", "function n(e){return{pane:e.pane}}"),
        ('function show(pane) { return "pane" + pane; }', 'function n(e){return"pane"+e}'),
        (
            "function show(pane) { return `pane ${pane} ${ask(pane)}`; }",
            "function n(a){return`pane ${a} ${ask(a)}`}",
        ),
        ("function show(pane) { return /pane/.test(pane); }", "function n(e){return/pane/.test(e)}"),
        ("function show({ pane }) { return pane; }", "function n({pane}){return pane}"),
        ("function show(pane) { return [...pane]; }", "function n(e){return[...e]}"),
        ("function show(pane) { return pane ? pane : show; }", "function n(e){return e?e:n}"),
        ("function show(a) { const first = a; const second = b; }", "function t(e){let n=e,o=b}"),
        ("let pane;\nfunction show(other) { pane = other; }", "let e;function n(o){e=o}"),
    ],
)
def test_a_script_keeps_every_name_that_others_know(source: str, small: str) -> None:
    assert minify(source) == small


def test_a_function_that_uses_a_variable_of_all_calls_none_of_its_own_so() -> None:
    small = minify(
        "let one; let two;\nfunction f(x, y) { return one + x + y; }\nfunction g(x) { return two + x; }"
    )

    assert small == "let n,t;function e(t,o){return n+t+o}function o(n){return t+n}"


@pytest.mark.skipif(not shutil.which("node"), reason="the browser's tests run it too")
def test_the_embed_script_is_still_a_script(tmp_path: Path) -> None:
    small = tmp_path / "embed.js"
    small.write_text(minify(Path("static/embed.js").read_text(encoding="utf-8")), encoding="utf-8")

    subprocess.run(["node", "--check", small], check=True)
