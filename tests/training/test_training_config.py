"""Recipes are read whole and checked before any work; every error names the key."""

import pytest

from consbench.errors import UnknownName, UsageError
from consbench_adapters.dimensions import SamDimensions
from consbench_reference_training import config


@pytest.mark.parametrize("name", config.names())
def test_every_recipe_that_ships_can_be_read(name):
    recipe = config.load(name)
    assert recipe.name == name
    if recipe.network.dimensions:
        SamDimensions.from_json(recipe.network.dimensions)


def test_the_recipes_are_those_of_the_paper_and_the_miniatures():
    assert config.names() == [
        "consamme-mini",
        "consamme-vanilla-mini",
        "consamme-vanilla-vit-b",
        "consamme-vit-b",
        "hq-sam-mini",
        "sam-mini",
        "sam-mini-continued",
        "smoke",
    ]


def test_consamme_vit_b_has_the_numbers_of_section_4_1():
    recipe = config.load("consamme-vit-b")
    assert recipe.network.init == "sam-vit-b"
    assert recipe.run.epochs == 10
    assert (recipe.episodes.per_step, recipe.episodes.most_clicks, recipe.episodes.fewest_parts) == (8, 32, 2)
    assert (recipe.loss.focal, recipe.loss.dice) == (20, 1)
    assert (recipe.loss.contrast, recipe.loss.margin) == (0.5, 0.5)
    assert (recipe.optimiser.learning_rate, recipe.optimiser.betas) == (1e-5, (0.9, 0.99))
    assert recipe.optimiser.layer_decay == 0.8
    assert recipe.data.validation_share == 0.2


@pytest.mark.parametrize(
    ("full", "ablated"), [("consamme-vit-b", "consamme-vanilla-vit-b"), ("consamme-mini", "consamme-vanilla-mini")]
)
def test_vanilla_differs_in_the_contrastive_term_alone(full, ablated):
    one, other = config.load(full).as_json(), config.load(ablated).as_json()
    for recipe in (one, other):
        recipe.pop("name")
        recipe.pop("about")
    assert one["loss"].pop("contrast") == 0.5
    assert other["loss"].pop("contrast") == 0
    assert one == other


def test_the_control_gets_as_many_steps_as_the_fine_tuned_models():
    steps = {config.load(name).run.steps for name in ("consamme-mini", "consamme-vanilla-mini", "sam-mini-continued")}
    assert len(steps) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("optimiser.learning_rat=1", r"\[optimiser\] is called 'learning_rat'; did you mean 'learning_rate'\?"),
        ("optimizer.learning_rate=1", r"key of recipe smoke is called 'optimizer'; did you mean 'optimiser'\?"),
        ("episodes.of=objekt", r"value of episodes\.of in recipe smoke is called 'objekt'; did you mean 'object'\?"),
        ("data.standins.profiles=['singel']", r"data\.standins\.profiles: no profile is called 'singel'; did you mean"),
    ],
)
def test_unknown_names_get_a_suggestion(change, message):
    with pytest.raises(UsageError, match=message):
        config.load("smoke", [change])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("run.steps=many", r"recipe smoke: run\.steps must be a whole number; got 'many'"),
        ("run.steps=1.5", r"run\.steps must be a whole number; got 1\.5"),
        ("run.steps=true", r"run\.steps must be a whole number; got True"),
        ("run.epochs=1", r"run\.epochs or steps must be given, and not both; got epochs=1, steps=80"),
        ("run.micro_batch=-1", r"run\.micro_batch must be at least 0; got -1"),
        ("seed=-1", r"seed must be at least 0; got -1"),
        ("optimiser.learning_rate=0", r"optimiser\.learning_rate must be above 0; got 0"),
        ("optimiser.learning_rate=nan", r"optimiser\.learning_rate must be a finite number; got nan"),
        ("optimiser.betas=[0.9]", r"optimiser\.betas must be .*; got \[0\.9\]"),
        ("optimiser.betas=[0.9, 1.0]", r"optimiser\.betas must both lie in \[0, 1\)"),
        ("optimiser.layer_decay=1.5", r"optimiser\.layer_decay must lie above 0 and at most at 1; got 1\.5"),
        ("loss.margin=2", r"loss\.margin must lie between -1 and 1; got 2"),
        ("loss.focal_alpha=3", r"loss\.focal_alpha must lie in \[0, 1\], or be -1"),
        ("data.validation_share=1", r"data\.validation_share must lie between 0 and 1; got 1"),
        ("data.standins.size=32", r"data\.standins\.size must be at least 64; got 32"),
        ("loss=1", r"loss must be a section with keys; got 1"),
        ("loss.kind=best-of", r"loss\.kind 'best-of' needs episodes\.of = 'image'; got 'object'"),
        ("episodes.fewest_parts=1", r"episodes\.fewest_parts must be at least 2: loss\.contrast"),
        ("run.steps", r"a change is written key=value, as in run\.steps=100; got 'run\.steps'"),
        ("seed.of=1", r"'seed\.of=1': seed is a value, not a section"),
    ],
)
def test_impossible_values_are_refused_by_key(change, message):
    content = ["seed=1"] if change.startswith("seed.") else []
    with pytest.raises(UsageError, match=message):
        config.load("smoke", [*content, change])


def test_a_recipe_that_is_not_there_is_refused_with_the_ones_that_are(tmp_path):
    with pytest.raises(UnknownName, match="no recipe is called 'smok'; did you mean 'smoke'"):
        config.load("smok")
    with pytest.raises(UsageError, match=r"there is no recipe file .*mine\.toml"):
        config.load(str(tmp_path / "mine.toml"))


def test_a_file_of_one_s_own_is_a_recipe_named_after_the_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('about = "a"\n[run]\nsteps = 3\n')
    assert (config.load(str(file)).name, config.load(str(file)).run.steps) == ("mine", 3)
    file.write_text("about = \n")
    with pytest.raises(UsageError, match=r"mine\.toml is no valid TOML"):
        config.load(str(file))
    file.write_text('about = "a"\n')
    with pytest.raises(UsageError, match="recipe mine: run missing"):
        config.load(str(file))


def test_digest_changes_with_any_number():
    assert config.load("smoke").digest == config.load("smoke").digest
    assert config.load("smoke").digest != config.load("smoke", ["loss.margin=0.4"]).digest


def test_named_data_take_the_place_of_standins():
    recipe = config.with_sources(config.load("smoke"), ["pascal-part,root=x"])
    assert (recipe.data.sources, recipe.data.standins.images) == (("pascal-part,root=x",), 0)
    assert config.with_sources(config.load("smoke"), []) == config.load("smoke")
