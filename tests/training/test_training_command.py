"""`consbench train` as a user types it."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from consbench.errors import UnknownName, UsageError
from consbench_reference_training.cli import train


def call(*words):
    return CliRunner().invoke(train, list(words), catch_exceptions=False)


@pytest.fixture
def recipe(tiny, tmp_path):
    """The tiny recipe as a file."""
    content = tiny().as_json()
    lines = [f'about = "a"\nseed = {content["seed"]}']
    for section in ("network.dimensions", "data", "episodes", "loss", "optimiser", "run"):
        values = content
        for key in section.split("."):
            values = values[key]
        lines.append(f"[{section}]")
        lines += [
            f"{k} = {str(v).lower() if isinstance(v, bool) else repr(v)}"
            for k, v in values.items()
            if not isinstance(v, dict)
        ]
    file = tmp_path / "mine.toml"
    file.write_text("\n".join(lines))
    return file


def test_a_recipe_is_trained_and_exported(recipe, tmp_path):
    done = call(str(recipe), "--out", str(tmp_path / "run"), "--steps", "2", "--export", str(tmp_path / "plain.pth"))
    assert done.exit_code == 0
    assert done.stdout.strip() == str(tmp_path / "run" / "checkpoint.safetensors")
    assert "2 steps" in done.stderr
    assert "mIoU-object" in done.stderr
    assert (tmp_path / "plain.pth").is_file()


def test_quiet_says_nothing_but_where_the_checkpoint_is(recipe, tmp_path):
    done = call(str(recipe), "--out", str(tmp_path / "run"), "--steps", "1", "--quiet")
    assert done.stderr == ""


def test_groups_are_printed_and_nothing_is_trained(tmp_path):
    small = "{embed_dim=16, depth=2, heads=2, global_attention=[0], image_size=32, decoder_dim=16, decoder_heads=2}"
    words = ("--print-groups", "--out", str(tmp_path / "run"), "--set", f"network.dimensions={small}")
    done = call("consamme-mini", *words)
    assert "image encoder, block 1, weights" in done.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["smokey"], UnknownName, "no recipe is called 'smokey'; did you mean 'smoke'"),
        (["smoke", "--set", "run.stepz=1"], UnknownName, "did you mean 'steps'"),
        (["smoke", "--steps", "0"], UsageError, "--steps must be at least 1; got 0"),
        (["smoke", "--data", "pascal-prt"], UnknownName, "no dataset is called 'pascal-prt'"),
        (["smoke", "--device", "tpu"], UsageError, "device 'tpu' is not there; available: auto, .*cpu"),
    ],
)
def test_mistakes_are_refused_before_any_work(words, error, message, tmp_path):
    with pytest.raises(error, match=message):
        call(*words, "--out", str(tmp_path / "run"))


def test_paper_recipe_without_data_is_refused_naming_the_key(tmp_path):
    with pytest.raises(UsageError, match=r"data\.sources is empty"):
        call("consamme-vit-b", "--out", str(tmp_path / "run"), "--set", "network.init=random", "--device", "cpu")


def test_the_command_loads_no_torch_until_it_runs():
    script = (
        "import sys, consbench_reference_training.cli; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
