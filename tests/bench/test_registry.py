"""Plug-ins are found by entry point, by module and by file; whatever goes wrong is said with its cause.

Outsiders are real here: a module and the metadata of its distribution, in a folder on the path.
"""

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import pytest

from consbench import registry
from consbench.errors import UnknownName, UsageError
from consbench.registry import Reference, build, find, is_model_function, names, origin


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return install(distribution, source, entries): puts a module and its entry points on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._installed.cache_clear()

    def install(distribution, source, entries, group="consbench.models"):
        module = f"{distribution}_module"
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / f"{distribution}-1.5.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        lines = [f"{name} = {module}:{attribute}" for name, attribute in entries.items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        monkeypatch.syspath_prepend(str(tmp_path))  # once more: forgets what finders remember of the folder
        registry._installed.cache_clear()
        return module

    before = set(sys.modules)
    yield install
    registry._installed.cache_clear()
    for module in set(sys.modules) - before:
        if module.endswith("_module") or module.startswith("consbench_plugin_"):
            del sys.modules[module]


@pytest.fixture
def file(tmp_path, install):
    """Return file(source): writes a plug-in file and returns its path."""

    def write(source):
        path = tmp_path / "mine.py"
        path.write_text(source)
        return str(path)

    return write


# ── references ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sam", Reference("sam", {}, "sam")),
        (" sam , arch = vit_l ", Reference("sam", {"arch": "vit_l"}, "sam")),
        ("sam,name=big", Reference("sam", {}, "big")),
        ("sam,long-side=384", Reference("sam", {"long_side": "384"}, "sam")),
        ("sam,checkpoint=a=b.pth", Reference("sam", {"checkpoint": "a=b.pth"}, "sam")),
        ("sam,arch=", Reference("sam", {"arch": ""}, "sam")),
        ("sam,name=", Reference("sam", {}, "sam")),
        ("mine:load", Reference("mine:load", {}, "mine-load")),
        ("dir/mine.py:predict,k=2", Reference("dir/mine.py:predict", {"k": "2"}, "mine-predict")),
    ],
)
def test_a_reference_is_a_target_with_options_and_a_label(text, expected):
    assert Reference.parse(text) == expected


@pytest.mark.parametrize("pair", ["vit_l", "=vit_l", ""])
def test_an_option_that_is_no_pair_is_quoted(pair):
    text = f"sam,{pair}"
    with pytest.raises(UsageError, match=re.escape(f"options are written key=value; got '{pair}' in '{text}'")):
        Reference.parse(text)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_outsider_stands_beside_our_own_and_says_whose_it_is(install):
    install("outsider", "def load():\n    return 'theirs'\n", {"their-model": "load"})
    assert {"their-model", "oracle"} <= set(names("model"))
    assert names("model") == sorted(names("model"))
    assert origin("model", "their-model") == "outsider 1.5"
    assert origin("model", "oracle") == f"consbench {version('consbench')}"
    assert build("model", Reference("their-model")) == "theirs"


@pytest.mark.parametrize("kind", ["model", "dataset", "command"])
def test_each_kind_has_its_own_group(install, kind):
    install("outsider", "thing = object()\n", {"their-thing": "thing"}, group=f"consbench.{kind}s")
    assert [k for k in ("model", "dataset", "command") if "their-thing" in names(k)] == [kind]


def test_an_unknown_name_comes_with_the_nearest_and_all_others():
    with pytest.raises(UnknownName, match=r"no model is called 'orcale'; did you mean 'oracle'\? Known: .*region-tree"):
        find("model", "orcale")


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(UnknownName, match=r"no dataset is called 'zzzz'; Known: "):
        find("dataset", "zzzz")


def test_nothing_is_imported_before_it_is_named(install):
    install("broken", "raise RuntimeError('the weights moved away')\n", {"broken-model": "load"})
    assert "broken-model" in names("model")
    assert "broken_module" not in sys.modules


def test_a_broken_plug_in_raises_its_cause_when_it_is_named(install):
    install("broken", "raise RuntimeError('the weights moved away')\n", {"broken-model": "load"})
    said = (
        "model 'broken-model' (broken 1.5, broken_module:load) cannot be imported: RuntimeError: the weights moved away"
    )
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        find("model", "broken-model")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_entry_point_to_nowhere_raises_its_cause(install):
    install("stale", "", {"stale-model": "gone"})
    with pytest.raises(UsageError, match=r"model 'stale-model' .* cannot be imported: AttributeError: .*'gone'"):
        find("model", "stale-model")


def test_two_distributions_that_claim_one_name_are_both_named(install):
    install("one", "def load(): ...\n", {"same": "load"})
    install("other", "def load(): ...\n", {"same": "load"})
    with pytest.raises(UsageError, match="two distributions claim the model 'same': one and other; uninstall one"):
        names("model")


def test_one_distribution_seen_twice_is_no_conflict(install, tmp_path):
    """An editable install beside a built one: both say the same."""
    install("one", "def load(): ...\n", {"same": "load"})
    twin = tmp_path / "onemore-1.5.dist-info"
    twin.mkdir()
    for file in (tmp_path / "one-1.5.dist-info").iterdir():
        (twin / file.name).write_text(file.read_text().replace("Name: one", "Name: onemore"))
    registry._installed.cache_clear()
    assert "same" in names("model")


# ── modules and files ─────────────────────────────────────────────────────────────────────────────


def test_a_module_and_an_attribute_need_no_installation(install):
    module = install("loose", "def load():\n    return 'loose'\n", {})
    assert find("model", f"{module}:load")() == "loose"


def test_a_file_and_an_attribute_need_no_installation(file):
    path = file("def predict(image, clicks):\n    return clicks\n")
    assert find("model", f"{path}:predict")(None, 5) == 5


def test_a_dataclass_in_a_file_finds_its_module(file):
    path = file(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Model:\n    k: int = 3\n"
    )
    assert build("model", Reference(f"{path}:Model", {"k": "4"})).k == 4


def test_a_file_without_an_attribute_is_told_how_to_name_one(file):
    path = file("")
    with pytest.raises(UsageError, match=re.escape(f"name the function or class in the file: '{path}:NAME'")):
        find("model", path)


def test_an_unknown_attribute_comes_with_the_nearest(file):
    path = file("def predict(image, clicks): ...\n_hidden = 1\n")
    with pytest.raises(UnknownName, match=r"'predct'; did you mean 'predict'\? Known: predict\."):
        find("model", f"{path}:predct")


def test_a_missing_file_is_named_as_given_and_as_looked_for():
    with pytest.raises(UsageError, match=r"there is no file nowhere/mine\.py \(looked for /.*/nowhere/mine\.py\)"):
        find("model", "nowhere/mine.py:predict")


def test_a_module_that_fails_while_it_is_imported_says_why(tmp_path, monkeypatch):
    (tmp_path / "registry_boom.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        UsageError, match="module 'registry_boom' cannot be imported: ZeroDivisionError: division by zero"
    ):
        find("model", "registry_boom:load")


def test_what_is_no_factory_takes_no_options(tmp_path, monkeypatch):
    (tmp_path / "registry_object.py").write_text("model = 5")
    monkeypatch.syspath_prepend(tmp_path)
    assert build("model", Reference("registry_object:model")) == 5
    with pytest.raises(UsageError, match="'registry_object:model' is no factory; it takes no options, got size"):
        build("model", Reference("registry_object:model", {"size": "3"}))


def test_a_missing_module_is_named():
    with pytest.raises(
        UsageError, match=r"module 'no_such_module' cannot be imported: No module named .* Is it installed"
    ):
        find("model", "no_such_module:load")


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def (", "SyntaxError: "),
        ("import nowhere_at_all", "ModuleNotFoundError: "),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(file, source, cause):
    path = file(source)
    with pytest.raises(UsageError, match=re.escape(f"{path} cannot be imported: {cause}")):
        find("model", f"{path}:predict")


# ── options ───────────────────────────────────────────────────────────────────────────────────────


def factory(
    number: int = 1,
    ratio: float | None = None,
    flag: bool = False,
    path: Path | None = None,
    mode: Literal["fast", "slow"] = "fast",
    word: str = "",
    free=None,
):
    return {"number": number, "ratio": ratio, "flag": flag, "path": path, "mode": mode, "word": word, "free": free}


@pytest.fixture
def here(monkeypatch):
    """A target that names this module's functions."""
    monkeypatch.setitem(sys.modules, "registry_options", sys.modules[__name__])
    return "registry_options"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("number", "12", 12),
        ("ratio", "0.5", 0.5),
        ("ratio", "2", 2.0),
        ("flag", "true", True),
        ("flag", "No", False),
        ("flag", "1", True),
        ("path", "a/b.pth", Path("a/b.pth")),
        ("mode", "slow", "slow"),
        ("word", "12", "12"),
        ("free", "12", "12"),
        ("number", 7, 7),
    ],
)
def test_text_becomes_what_the_factory_is_annotated_with(here, key, text, value):
    built = build("model", Reference(f"{here}:factory", {key: text}))
    assert built[key] == value
    assert type(built[key]) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("number", "many", "'registry_options:factory,number=many': expected a number"),
        ("number", "1.5", "'registry_options:factory,number=1.5': expected a number"),
        ("flag", "maybe", "'registry_options:factory,flag=maybe': expected true or false"),
    ],
)
def test_text_that_cannot_be_converted_is_quoted(here, key, text, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        build("model", Reference(f"{here}:factory", {key: text}))


def test_a_value_that_is_no_choice_comes_with_the_choices(here):
    with pytest.raises(UnknownName, match=r"'slov'; did you mean 'slow'\? Known: fast, slow\."):
        build("model", Reference(f"{here}:factory", {"mode": "slov"}))


def test_an_unknown_option_comes_with_the_nearest(here):
    said = r"no option of model 'registry_options:factory' is called 'numbre'; did you mean 'number'\?"
    with pytest.raises(UnknownName, match=said):
        build("model", Reference(f"{here}:factory", {"numbre": "1"}))


def needs(checkpoint: Path, k: int = 3):
    return checkpoint, k


def test_an_option_that_must_be_given_is_asked_for_in_both_spellings(here):
    said = (
        "model 'registry_options:needs' needs checkpoint: give --checkpoint …, "
        "or write 'registry_options:needs,checkpoint=…'"
    )
    with pytest.raises(UsageError, match=re.escape(said)):
        build("model", Reference(f"{here}:needs"))
    assert build("model", Reference(f"{here}:needs", {"checkpoint": "w"})) == (Path("w"), 3)


def test_defaults_fill_in_where_they_are_taken_and_the_reference_is_silent(here):
    silent, spoken = (
        Reference(f"{here}:needs", {"checkpoint": "w"}),
        Reference(f"{here}:needs", {"checkpoint": "w", "k": "9"}),
    )
    assert build("model", silent, k=5, device="cpu") == (Path("w"), 5)
    assert build("model", silent, k=None) == (Path("w"), 3)
    assert build("model", spoken, k=5) == (Path("w"), 9)


def takes_any(**options):
    return options


def test_a_factory_of_any_options_gets_them_as_they_came(here):
    assert build("model", Reference(f"{here}:takes_any", {"a": "1"})) == {"a": "1"}


def answer(image, clicks):
    return clicks


def test_a_plain_function_of_image_and_clicks_is_the_model_itself(here):
    assert build("model", Reference(f"{here}:answer"), device="cpu") is answer
    with pytest.raises(UsageError, match="'registry_options:answer' is no factory; it takes no options, got k"):
        build("model", Reference(f"{here}:answer", {"k": "1"}))


class TwoArguments:
    def __init__(self, image, clicks): ...


@pytest.mark.parametrize(
    ("thing", "is_function"),
    [
        (answer, True),
        (lambda image, clicks, k=3: None, True),
        (needs, False),
        (factory, False),
        (takes_any, False),
        (TwoArguments, False),
        (len, False),
    ],
)
def test_a_model_function_has_two_required_arguments_and_is_a_function(thing, is_function):
    assert is_model_function(thing) is is_function
