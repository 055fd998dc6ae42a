"""The page in headless Chromium: a click changes the picture, nothing complains, nothing is loaded.

Skipped where there is no Chromium.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from consbench import Run, Sample, controls, evaluate
from consbench.masks import Mask, encode

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><img src=x onerror='window.hacked = 2'>",
    "\"quotes' & ampersands",
    "\u202egnp.exe",
]

Browser = Any  # of conftest.py: test modules cannot import one another


@pytest.fixture
def opened(browser: Browser, page: Path) -> Browser:
    """The browser on the page, nothing chosen yet."""
    browser.open(page.as_uri())
    return browser


def data_of(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(browser.run("document.getElementById('explorer-data').textContent"))
    return found


def go_to(browser: Browser, page: Path, obj: dict[str, Any], data: dict[str, Any], part: int = 0) -> None:
    image = data["images"][obj["image"]]
    words = {"dataset": image["dataset"], "image": image["id"], "object": obj["id"], "part": obj["parts"][part]["id"]}
    browser.open(page.as_uri() + "#" + "&".join(f"{k}={quote(str(v))}" for k, v in words.items()))


def with_parts(data: dict[str, Any], count: int) -> dict[str, Any]:
    """The first object of the page with at least so many parts."""
    found: dict[str, Any] = next(obj for obj in data["objects"] if len(obj["parts"]) >= count)
    return found


def pictures(browser: Browser) -> list[str]:
    """Every canvas of the explorer as it is painted."""
    found: list[str] = browser.run("[...document.querySelectorAll('#explorer canvas')].map((c) => c.toDataURL())")
    return found


def pressed(browser: Browser) -> list[int]:
    """Which part is chosen, as the buttons say it."""
    found: list[int] = browser.run(
        "[...document.querySelectorAll('#parts button')].flatMap((b, i) => b.ariaPressed === 'true' ? [i] : [])"
    )
    return found


def test_opening_the_page_loads_nothing_and_complains_about_nothing(opened: Browser, page: Path) -> None:
    assert opened.complaints == []
    assert {request for request in opened.requests if not request.startswith("data:")} == {page.as_uri()}
    assert len(pictures(opened)) > 3


def test_the_decoder_agrees_with_pycocotools_to_the_pixel(opened: Browser) -> None:
    draw = np.random.default_rng(5)
    shapes = [(1, 1), (1, 9), (9, 1), (7, 5), (40, 64), (300, 211)]
    masks = [draw.random(shape) < share for shape in shapes for share in (0.0, 0.02, 0.5, 1.0)]
    blocks = np.zeros((2, 700, 900), bool)  # runs longer than two groups of bits, and negative differences
    blocks[0, 10:650, 20:870] = True
    blocks[1, ::3, 300:310] = True
    codes = [encode(mask[None])[0] for mask in [*masks, *blocks]]
    assert max(len(code.counts) for code in codes) > 10_000

    for code in codes:
        call = f"decodeMask({json.dumps(code.counts.decode())}, {code.height}, {code.width})"
        ones = opened.run(f"[...{call}].flatMap((value, i) => value ? [i] : [])")
        assert ones == np.flatnonzero(code.array()).tolist()


@pytest.mark.parametrize("mask_HW", [np.zeros((4, 6), bool), np.eye(5, 7, 2, dtype=bool)], ids=["empty", "diagonal"])
def test_the_box_of_a_mask_is_that_of_pycocotools(opened: Browser, mask_HW: np.ndarray) -> None:
    mask = Mask.from_array(mask_HW)
    size = f"{mask.height}, {mask.width}"
    found = opened.run(f"boxOf(decodeMask({json.dumps(mask.counts.decode())}, {size}), {size})")
    x, y, width, height = mask.box

    assert found == ([x, y, x + width, y + height] if mask.area else None)


def test_a_click_on_a_part_chooses_it_and_changes_the_pictures(opened: Browser, page: Path) -> None:
    data = data_of(opened)
    obj = with_parts(data, 3)
    image = data["images"][obj["image"]]
    codes = [Mask(image["height"], image["width"], part["mask"].encode()) for part in obj["parts"]]
    smallest = min(range(len(codes)), key=lambda i: (codes[i].area, i))
    other = next(i for i in range(len(codes)) if i != smallest)
    go_to(opened, page, obj, data, other)
    before = pictures(opened)
    assert pressed(opened) == [other]

    y, x = np.argwhere(codes[smallest].array())[0].tolist()
    opened.run("document.getElementById('scene').scrollIntoView({block: 'center'})")
    left, top, width, height = opened.run(
        "(({x, y, width, height}) => [x, y, width, height])(document.getElementById('scene').getBoundingClientRect())"
    )
    frame = opened.run("frameOf(state.object)")
    at = (x + 0.5 - frame[0]) / (frame[2] - frame[0]), (y + 0.5 - frame[1]) / (frame[3] - frame[1])
    opened.click(left + width * at[0], top + height * at[1])

    assert pressed(opened) == [smallest]
    assert f"part={obj['parts'][smallest]['id']}" in opened.run("location.hash")
    assert pictures(opened)[0] != before[0]
    assert opened.complaints == []


def test_the_keyboard_steps_through_parts_and_objects(opened: Browser, page: Path) -> None:
    data = data_of(opened)
    obj = with_parts(data, 3)
    go_to(opened, page, obj, data)
    opened.run("document.getElementById('scene').focus()")
    before = pictures(opened)
    opened.press("ArrowRight")
    assert pressed(opened) == [1]
    assert pictures(opened) != before
    opened.press("ArrowLeft")
    opened.press("ArrowLeft")
    assert pressed(opened) == [len(obj["parts"]) - 1]
    opened.press("ArrowRight")
    assert pictures(opened) == before

    address = opened.run("location.hash")
    opened.press("n")
    assert opened.run("location.hash") != address
    opened.press("p")
    assert opened.run("location.hash") == address


def test_keys_are_left_alone_while_one_types(opened: Browser) -> None:
    opened.run("document.getElementById('filter').focus()")
    before = opened.run("location.hash")
    opened.press("n")

    assert opened.run("location.hash") == before


def test_what_is_said_aloud_names_the_part_and_every_model(opened: Browser, page: Path) -> None:
    data = data_of(opened)
    obj = with_parts(data, 2)
    go_to(opened, page, obj, data, 1)
    said = opened.run("document.getElementById('spoken').textContent")

    assert obj["parts"][1]["category"] in said
    for run in data["runs"]:
        assert run["model"] in said


def test_everything_that_can_be_used_has_a_name_and_can_be_reached(opened: Browser) -> None:
    nameless = opened.run(
        "[...document.querySelectorAll('button, select, input, canvas, a, summary, [role=group]')]"
        ".filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"
    )
    unreachable = opened.run(
        "[...document.querySelectorAll('#explorer button, #explorer select, #explorer input, #scene, #objects a')]"
        ".filter((e) => e.tabIndex < 0).length"
    )

    assert nameless == []
    assert unreachable == 0


def test_a_link_to_a_click_opens_it_and_a_strange_one_does_no_harm(opened: Browser, page: Path) -> None:
    data = data_of(opened)
    obj = [o for o in data["objects"] if len(o["parts"]) > 1][-1]
    go_to(opened, page, obj, data, 1)
    address = opened.run("document.getElementById('permalink').href")
    before = pictures(opened)
    assert opened.run("state.object.id") == obj["id"]
    assert not opened.run("document.getElementById('stray').checkVisibility()")
    opened.open(address)
    assert pictures(opened) == before

    opened.open(page.as_uri() + "#image=nowhere&object=9")
    assert opened.run("document.getElementById('stray').checkVisibility()")
    assert len(pictures(opened)) > 3
    assert opened.complaints == []


def test_the_back_button_returns_to_the_object_before(opened: Browser) -> None:
    opened.run("document.querySelectorAll('#objects a')[2].click()")
    second = opened.run("location.hash")
    opened.run("document.querySelectorAll('#objects a')[4].click()")
    assert opened.run("location.hash") != second
    opened.run("new Promise((done) => { addEventListener('popstate', done, {once: true}); history.back(); })")

    assert opened.run("location.hash") == second
    assert opened.run("addressOf(state.object, state.part)") == second


@pytest.mark.parametrize("order", ["native", "area", "score"])
def test_the_order_of_outputs_is_that_of_the_bench(
    opened: Browser, page: Path, three_runs: list[Run], order: str
) -> None:
    """Captions of every tile of every click of the model with scores, against the ordered record."""
    from consbench.ordering import parse_order

    answers = three_runs[2].answers(parse_order(order))
    clicks = three_runs[2].clicks
    wanted = {
        (row.image_id, row.object_id, row.part_id): [f"{v:.2f}" for v in answers.iou_object_NK[n]]
        for n, row in enumerate(clicks.itertuples())
    }
    opened.run(f"document.getElementById('order').value = '{order}'")
    opened.run("document.getElementById('order').dispatchEvent(new Event('change'))")
    shown = opened.run(
        """data.objects.flatMap((object) => object.parts.map((part, i) => {
          go(object, i);
          const captions = [...document.querySelectorAll('#answers .answer:last-child .outputs figcaption')];
          const numbers = captions.map((c) => c.textContent.match(/object (\\d\\.\\d\\d)/)[1]);
          return [imageOf(object).id, object.id, part.id, numbers];
        }))"""
    )

    assert {(i, o, p): numbers for i, o, p, numbers in shown} == wanted


def test_the_matrix_has_the_pairwise_ious_and_marks_violations(
    opened: Browser, page: Path, three_runs: list[Run]
) -> None:
    data = data_of(opened)
    obj = with_parts(data, 3)
    image_id = data["images"][obj["image"]]["id"]
    pairs = three_runs[1].pairs
    own = pairs[(pairs["image_id"] == image_id) & (pairs["object_id"] == obj["id"])]
    place = {part["id"]: i for i, part in enumerate(obj["parts"])}
    go_to(opened, page, obj, data)
    cells = opened.run(
        "[...document.querySelectorAll('#answers .answer:nth-child(2) .matrix tr')].slice(1)"
        ".map((r) => [...r.querySelectorAll('td')].map((c) => [c.textContent, c.classList.contains('below')]))"
    )
    assert len(own) == len(obj["parts"]) * (len(obj["parts"]) - 1) // 2
    for row in own.itertuples():
        wanted = [f"{row.iou[0]:.2f}", bool(row.iou[0] < 0.5)]
        assert cells[place[row.part_a]][place[row.part_b]] == wanted
        assert cells[place[row.part_b]][place[row.part_a]] == wanted


def test_the_list_is_filtered_and_sorted(opened: Browser) -> None:
    data = data_of(opened)
    total = len(data["objects"])
    texts = "[...document.querySelectorAll('#objects .numbers')].map((e) => e.textContent)"
    opened.run("byId('sort').value = 'object'; byId('sort').dispatchEvent(new Event('change'))")
    ious = [float(text.split(" · ")[0]) for text in opened.run(texts)]
    assert ious == sorted(ious)
    assert len(ious) == total

    opened.run("byId('category').value = 'car'; byId('category').dispatchEvent(new Event('change'))")
    cars = sum(obj["category"] == "car" for obj in data["objects"])
    assert 0 < cars < total
    assert opened.run("document.getElementById('count').textContent") == f"{cars} of {total} objects"
    opened.run("byId('filter').value = 'nothing is called so'; byId('filter').dispatchEvent(new Event('input'))")
    assert opened.run(texts) == []
    assert opened.complaints == []


def test_light_and_dark_follow_the_system_and_the_button(browser: Browser, page: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(page.as_uri(), dark=True)
    dark = browser.run(ground)
    browser.open(page.as_uri())
    light = browser.run(ground)
    assert dark != light

    browser.run("document.getElementById('theme').click()")
    browser.run("document.getElementById('theme').click()")
    assert browser.run(ground) == dark
    assert "dark" in browser.run("document.getElementById('theme').textContent")


@pytest.mark.parametrize("width", [320, 390, 768, 1400])
def test_no_width_makes_the_page_scroll_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.open(page.as_uri(), width=width, height=800)

    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []


def test_hostile_names_are_shown_and_not_run(
    browser: Browser, make_page: Callable[..., Path], make_sample: Callable[..., Sample], tmp_path: Path
) -> None:
    samples = []
    for n, name in enumerate(HOSTILE):
        plain = make_sample(f"{name} #&=% {n}", seed=n)
        objects = tuple(
            dataclasses.replace(o, category=name, parts=tuple(dataclasses.replace(p, category=name) for p in o.parts))
            for o in plain.objects
        )
        samples.append(dataclasses.replace(plain, objects=objects))
    run = evaluate(controls.click_disc(), samples, out=tmp_path / "hostile", name=HOSTILE[1])
    browser.open(make_page([run], samples=samples).as_uri())
    seen = browser.run(
        """data.objects.map((object) => {
          go(object, 0);
          const named = new URLSearchParams(location.hash.slice(1)).get('image');
          return [byId('which').querySelector('bdi').textContent, byId('parts').textContent, named];
        })"""
    )

    assert browser.run("window.hacked") is None
    assert browser.complaints == []
    assert {name for name in HOSTILE if any(name in which for which, _, _ in seen)} == set(HOSTILE)
    assert {image for _, _, image in seen} == {sample.image_id for sample in samples}
    # a mark that turns the direction of writing is shut into the element of its name
    assert browser.run("getComputedStyle(document.querySelector('#which bdi')).unicodeBidi") == "isolate"


def test_without_photographs_and_without_masks_the_explorer_still_works(
    browser: Browser, make_page: Callable[..., Path], samples: list[Sample], three_runs: list[Run], tmp_path: Path
) -> None:
    bare = evaluate(controls.click_disc(), samples, out=tmp_path / "bare", keep_masks=False)
    browser.open(make_page([bare, three_runs[2]]).as_uri())
    explorer = browser.run("document.getElementById('explorer').textContent")

    assert "photographs and annotations are not shown" in explorer
    assert "its masks were not stored (--no-masks)" in explorer
    assert "mask not stored" in browser.run("document.querySelector('.answer').textContent")
    assert browser.complaints == []
    assert len(pictures(browser)) > 3


def test_numbers_are_rounded_as_python_rounds_them(opened: Browser) -> None:
    values = [k / 16 for k in range(17)] + [0.005, 0.015, 0.995, 1 / 3, 0.12500001, 0.3749999]

    assert opened.run(f"{values}.map(two)") == [f"{value:.2f}" for value in values]
    assert opened.run("[two(null), two(undefined)]") == ["–", "–"]


@pytest.mark.slow
def test_three_hundred_objects_and_four_models_stay_under_30_megabytes(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from consbench.cli import cli

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    models = [word for name in ("region-tree", "click-disc", "full-image", "swapped") for word in ("-m", name)]
    data = ["-d", "standin-pascal-part,images=140,size=500"]
    run = ["run", "-q", "--no-report", *models, *data, "-o", str(tmp_path / "runs")]
    report = ["report", str(tmp_path / "runs"), "-o", str(tmp_path / "report"), "-q", "--samples", "300"]
    for words in (run, report):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    page = tmp_path / "report" / "index.html"
    browser.open(page.as_uri())

    assert browser.run("data.objects.length") == 300
    assert browser.run("data.runs.length") == 4
    assert page.stat().st_size < 30_000_000
    browser.run("document.querySelectorAll('#objects a')[250].click()")
    assert browser.complaints == []
