# SPDX-License-Identifier: MIT
"""A project is read whole or refused in one line that says where and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from surety import paths
from surety.check.source import Position, SourceError, code_of, compile_file, find_files, load
from surety.cli import main

HEAD = "# pragma version ^0.4.0\n"
MATHS = HEAD + (
    "@internal\n@pure\ndef twice(x: uint256) -> uint256:\n    return 2 * x  # é in a comment\n"
)
OWNED = HEAD + (
    "owner: public(address)\n\n@deploy\ndef __init__():\n    self.owner = msg.sender\n\n"
    "@external\ndef own(who: address):\n    assert msg.sender == self.owner\n    self.owner = who\n"
)
TABLE = HEAD + (
    "from . import owned\nuses: owned\nrows: HashMap[uint256, address]\n\n"
    "@internal\ndef put(row: uint256):\n    self.rows[row] = owned.owner\n"
)
SHOP = HEAD + (
    "from . import owned\nfrom .lib import maths\nfrom . import table\nimport other.Till as Till\n"
    "initializes: owned\ninitializes: table[owned := owned]\nexports: owned.own\n\n"
    "price: public(uint256)\nFEE: immutable(uint256)\n\n"
    "@deploy\ndef __init__(fee: uint256):\n    owned.__init__()\n    FEE = fee\n\n"
    "@external\ndef sell(till: Till.__interface__):\n    table.put(maths.twice(FEE))\n"
    "    self.price = staticcall till.total()\n"
)
TILL = HEAD + "total: public(uint256)\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": "",
        "shop/owned.vy": OWNED,
        "shop/table.vy": TABLE,
        "shop/Shop.vy": SHOP,
        "shop/lib/maths.vy": MATHS,
        "other/Till.vy": TILL,
        "node_modules/Bad.vy": "no vyper",
        ".hidden/Bad.vy": "no vyper",
        "env/pyvenv.cfg": "",
        "env/Bad.vy": "no vyper",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def refused(path: Path, *search: Path, exclude: tuple[str, ...] = ()) -> str:
    with pytest.raises(SourceError) as caught:
        load(path, search, exclude)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


def test_contracts_are_what_can_be_deployed_and_is_part_of_nothing(shop):
    project = load(shop)
    assert project.root == shop.resolve()
    # Till is imported for its interface alone; owned could be deployed but is a part; table lacks
    # what it uses; maths has no external functions
    assert [source.name for source in project.contracts] == ["other/Till.vy", "shop/Shop.vy"]
    assert [source.name for source in project.modules] == [
        "shop/lib/maths.vy",
        "shop/owned.vy",
        "shop/table.vy",
    ]
    till, sold = project.contracts
    assert [path.name for path in sold.imports] == ["Till.vy", "maths.vy", "owned.vy", "table.vy"]
    assert till.imports == ()
    owned = project.find(shop / "shop" / "owned.vy")
    assert owned is not None
    assert project.contracts_with(owned) == (sold,)
    assert project.contracts_with(till) == (till, sold)


def test_one_tree_for_each_file_whoever_imports_it(shop):
    from vyper.ast import nodes as vy

    project = load(shop)
    sold = project.find(shop / "shop" / "Shop.vy")
    maths = project.find(shop / "shop" / "lib" / "maths.vy")
    call = next(
        node
        for node in sold.tree.get_descendants(vy.Call)
        if sold.text_of(node.func) == "maths.twice"
    )
    assert call.func._metadata["type"].ast_def is maths.functions[0]
    assert [function.name for function in sold.exposed] == ["own", "sell", "price"]


def test_the_text_of_a_node_is_what_stands_in_the_file(shop):
    project = load(shop)
    maths = project.find(shop / "shop" / "lib" / "maths.vy")
    back = maths.functions[0].body[0]
    assert maths.text_of(back) == "return 2 * x"
    assert maths.text_of(maths.functions[0]).startswith("def twice(")
    assert Position.of(back) == Position(5, 4, 5, 16)


def test_a_file_alone_is_a_project_of_one(shop):
    project = load(shop / "shop" / "owned.vy")
    assert [source.name for source in project.sources] == ["shop/owned.vy"]
    assert project.sources[0].is_contract


def test_compiling_gives_the_layout_the_sizes_and_the_code(shop):
    project = load(shop)
    sold = project.find(shop / "shop" / "Shop.vy")
    made = project.compiled(sold)
    assert made.layout["storage_layout"]["price"]["type"] == "uint256"
    assert made.layout["storage_layout"]["owned"]["owner"]["type"] == "address"
    assert made.layout["code_layout"]["FEE"] == {"type": "uint256", "length": 32, "offset": 0}
    assert made.runtime_size == len(made.runtime) + 32
    assert made.runtime in made.creation
    assert {item["name"] for item in made.abi if item["type"] == "function"} == {
        "own",
        "sell",
        "price",
    }
    assert project.compiled(sold) is made


def test_what_is_compiled_is_what_the_artifact_holds():
    from surety.compile import artifact

    made = compile_file(paths.contracts() / "Operators.vy")
    kept = artifact("Operators")
    assert made.creation == kept.bytecode
    assert made.runtime_size == kept.runtime_size
    assert list(made.abi) == list(kept.abi)
    assert made.evm_version == "cancun"


def test_absolute_imports_are_found_on_search_paths(shop, tmp_path):
    library = tmp_path / "elsewhere" / "lib"
    library.mkdir(parents=True)
    (library / "maths.vy").write_text(MATHS)
    alone = tmp_path / "alone" / "User.vy"
    alone.parent.mkdir()
    alone.write_text(
        HEAD + "from lib import maths\n@external\ndef f():\n    assert maths.twice(1) == 2\n"
    )
    assert "User.vy:2:1: ModuleNotFound: lib.maths" in refused(alone)
    found = load(alone, [library.parent])
    assert found.sources[0].imports == ((library / "maths.vy").resolve(),)
    assert "search path" in refused(alone, tmp_path / "nowhere")


def test_files_are_left_out_by_pattern(shop):
    names = [source.name for source in load(shop, exclude=["Shop.vy", "other"]).sources]
    assert names == ["shop/lib/maths.vy", "shop/owned.vy", "shop/table.vy"]
    assert "all of them left out" in refused(shop, exclude=("*",))
    assert len(find_files(shop)) == 5


def test_what_cannot_be_read_is_one_line(shop, tmp_path):
    assert refused(tmp_path / "none") == f"{tmp_path / 'none'}: no such file or folder"
    assert "not a Vyper source" in refused(shop / "pyproject.toml")
    (shop / "empty").mkdir()
    assert "no .vy files there" in refused(shop / "empty")
    bad = shop / "Bad.vy"
    for text, words in {
        "x: uint25\n": "Bad.vy:1:4: UnknownType:",
        "def f(:\n": "Bad.vy:2:1: SyntaxException:",
        "# pragma version ^0.3.10\n": "Bad.vy:1:1: VersionException: asks for Vyper ^0.3.10, this",
        "# @version 0.3.7 \n": "Bad.vy:1:1: VersionException: asks for Vyper 0.3.7, this is 0.4.3",
        "# pragma evm-version paris\nx: transient(uint8)\n": "Bad.vy:2:14: EvmVersionException:",
        "from . import nothing\n": "Bad.vy:1:1: ModuleNotFound:",
        "from . import Bad\n": "Bad.vy:1:1: ImportCycle:",
    }.items():
        bad.write_text(text)
        assert refused(shop).startswith(words)
    bad.write_bytes(b"\xff\xfe")
    assert refused(shop) == "Bad.vy: not UTF-8 text"


def test_all_that_do_not_compile_are_named_at_once(shop):
    (shop / "shop" / "lib" / "maths.vy").write_text(MATHS.replace("2 * x", "2 * y"))
    (shop / "Old.vy").write_text("# @version ^0.3.10\n")
    (shop / "Odd.vy").write_bytes(b"\xff\xfe")
    ran = CliRunner(mix_stderr=False).invoke(main, ["check", "lint", str(shop), "--json"])
    assert (ran.exit_code, ran.stdout) == (1, "")
    first, second, third, last = ran.stderr.splitlines()
    assert first == "Odd.vy: not UTF-8 text"
    assert second.startswith("Old.vy:1:1: VersionException: asks for Vyper ^0.3.10")
    assert third.startswith("shop/lib/maths.vy:5:16: UndeclaredDefinition:")
    assert last == (
        "surety check lint: 3 sources do not compile; "
        "--exclude PATTERN leaves out files and folders"
    )
    (shop / "Old.vy").unlink()
    (shop / "Odd.vy").unlink()
    ran = CliRunner(mix_stderr=False).invoke(main, ["check", "lint", str(shop)])
    assert ran.stderr.startswith("surety check lint: shop/lib/maths.vy:5:16: Undeclared")
    assert ran.stderr.endswith("(--exclude PATTERN leaves it out)\n")


def test_the_code_is_that_of_the_evm_that_is_asked_for(tmp_path):
    text = HEAD + "@external\ndef f() -> uint256:\n    return 0\n"
    codes = []
    for evm in ("paris", "cancun"):
        place = tmp_path / f"{evm}.vy"
        place.write_text(text.replace(HEAD, f"{HEAD}# pragma evm-version {evm}\n"))
        codes.append(code_of(place))
        assert compile_file(place).runtime in codes[-1]
    assert codes[0] != codes[1]  # there is no PUSH0 in Paris


def test_a_module_that_does_not_compile_is_named_rather_than_its_importer(shop):
    (shop / "shop" / "lib" / "maths.vy").write_text(MATHS.replace("2 * x", "2 * y"))
    assert refused(shop / "shop" / "Shop.vy").startswith(
        "shop/lib/maths.vy:5:16: UndeclaredDefinition: 'y' has not been declared."
    )


def test_compiling_what_is_no_contract_is_refused_in_the_compilers_words(shop):
    with pytest.raises(SourceError, match=r"shop/table\.vy:3:1: InitializerException"):
        compile_file(shop / "shop" / "table.vy")
