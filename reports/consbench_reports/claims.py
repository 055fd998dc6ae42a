"""Claims that were written down before an evaluation, judged over several training seeds.

On each dataset a claim holds if for every seed the 95 % interval of the paired difference excludes 0 in the
direction of the claim; it fails if every one excludes 0 in the other direction; else it is undecided. One
training is one draw: an interval over images says nothing of another seed, so every seed has a say.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from consbench.errors import RecordMismatch, UnknownName, UsageError
from consbench.metrics import CVR, DELTAS, Metric, MIoU, Placement, SizeRatio, parse
from consbench.ordering import Order, parse_order
from consbench.run import Run
from consbench.statistics.comparison import Comparison, Difference, compare
from consbench.statistics.pairing import Field
from consbench.statistics.resampling import LEVEL
from consbench_reports.inputs import Unfinished, gather
from consbench_reports.tables import Cell, Table, difference_cell, labels, notes, score_cell, title

Direction = Literal["above", "below"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
Verdict = Literal["holds", "fails", "undecided"]
RESULTS: tuple[Metric, ...] = (
    MIoU("object"),
    MIoU("part"),
    MIoU("object", "best"),
    MIoU("part", "best"),
    *(CVR(d) for d in DELTAS),
    SizeRatio(),
    Placement(1),
    Placement(1, first=2),
)
WRITTEN = "docs/statistics.md shows how a plan is written"
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: a metric of `model` is above or below that of `than`.

    Attributes:
        says: the claim in words.
        metric: its name.
        model, than: the names of the two models.
        direction: of `model` from `than`; None where nothing is claimed.
        model_order, than_order: of their outputs; each model's own where None.
        judged: False for a comparison that is shown beside the claims, without a verdict.
    """

    says: str
    metric: str
    model: str
    than: str
    direction: Direction | None = None
    model_order: Order | None = None
    than_order: Order | None = None
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model of the table of results, and the orders it is shown in; None is its own."""

    model: str
    orders: tuple[Order | None, ...] = (None,)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was written down: what it is about, whose results are shown, what is claimed."""

    about: str
    contestant: tuple[Contestant, ...]
    claim: tuple[Claim, ...]

    @property
    def models(self) -> set[str]:
        """Every model that is named."""
        return {c.model for c in self.contestant} | {name for c in self.claim for name in (c.model, c.than)}


@dataclass(frozen=True, slots=True)
class Seed:
    """What one training seed brings, of the models that a plan names.

    Attributes:
        name: of its folder, as columns are titled.
        path: its folder.
        runs: the finished runs, by (dataset, model).
        unfinished: the others.
        strangers: models in the folder that the plan does not name.
    """

    name: str
    path: Path
    runs: Mapping[tuple[str, str], Run]
    unfinished: tuple[Unfinished, ...]
    strangers: tuple[str, ...]

    @property
    def datasets(self) -> list[str]:
        """The datasets of its runs, unfinished ones among them."""
        return list(dict.fromkeys([dataset for dataset, _ in self.runs] + [u.dataset for u in self.unfinished]))


@dataclass(frozen=True, slots=True)
class Finding:
    """What the seeds say to one claim on one dataset: one comparison per seed, of its one metric."""

    claim: Claim
    dataset: str
    comparisons: tuple[Comparison, ...]

    @property
    def differences(self) -> list[Difference]:
        """Model minus the other, one per seed."""
        return [difference for comparison in self.comparisons for difference in comparison.differences]

    @property
    def verdict(self) -> Verdict | None:
        """None where the claim is not judged."""
        return verdict(self.claim.direction, self.differences) if self.claim.judged and self.claim.direction else None


def read_plan(file: str | Path) -> Plan:
    """Read a plan. Raises UsageError, naming the file and which claim, for what cannot be one."""
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"there is no plan to read in {file} ({error.strerror}); {WRITTEN}") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise UsageError(f"{file} is no valid TOML: {error}") from None
    try:
        _refuse_unknown(content, Plan)
        about = _text(content, "about")
    except UsageError as error:
        raise UsageError(f"plan {file}: {error}") from None
    plan = Plan(about, _each(content, "contestant", _contestant, file), _each(content, "claim", _claim, file))
    says, times = Counter(claim.says for claim in plan.claim).most_common(1)[0]
    if times > 1:
        raise UsageError(f"plan {file}: {times} claims say '{says}'; word each so that its row can be told apart")
    return plan


def open_seeds(folders: Sequence[str | Path], plan: Plan) -> list[Seed]:
    """Open the folders of the training seeds, each with runs of the same models on the same datasets.

    A model that no claim is about may be missing in some of them.

    Raises UsageError where a model of a claim is missing or unfinished in a seed, where seeds differ in their
    datasets, where a folder is given twice or holds two runs of one model on one dataset; RecordMismatch
    where runs on one dataset are of different images or protocols; and as `gather` does.
    """
    paths = [Path(folder) for folder in folders]
    path, times = Counter(path.resolve() for path in paths).most_common(1)[0]
    if times > 1:
        raise UsageError(f"{path} is given {times} times; a claim is judged over different trainings")
    named = Counter(path.resolve().name for path in paths)
    seeds = [_open_seed(p, p.resolve().name if named[p.resolve().name] == 1 else str(p), plan.models) for p in paths]
    for seed, claim in product(seeds, plan.claim):
        for model in (claim.model, claim.than):
            _refuse_missing(seed, model, claim)
    _refuse_different_data(seeds)
    found = {model for seed in seeds for _, model in seed.runs}
    for contestant in plan.contestant:
        if contestant.model not in found:
            raise UnknownName("model in any of the seeds", contestant.model, found.union(*(s.strangers for s in seeds)))
    return seeds


def verdict(direction: Direction, differences: Sequence[Difference]) -> Verdict:
    """Judge a claim on one dataset by its differences, one per seed; an end at 0 does not exclude it.

    Undecided where a difference is undefined or has no interval.
    """
    sign = 1 if direction == "above" else -1
    if not differences or any(math.isnan(n) for d in differences for n in (d.difference, d.low, d.high)):
        return "undecided"
    if all(min(sign * d.low, sign * d.high) > 0 for d in differences):
        return "holds"
    return "fails" if all(max(sign * d.low, sign * d.high) < 0 for d in differences) else "undecided"


def judge(plan: Plan, seeds: Sequence[Seed]) -> list[Finding]:
    """Compare the models of every claim on every dataset, by claim, then dataset; no model is loaded."""
    return [
        Finding(claim, dataset, tuple(_compared(claim, dataset, seed) for seed in seeds))
        for claim in plan.claim
        for dataset in seeds[0].datasets
    ]


def claims_table(plan: Plan, seeds: Sequence[Seed], findings: Sequence[Finding]) -> Table:
    """The table of claims: one row per claim and dataset, the difference of each seed, the verdict."""
    titles = ("claim", "dataset", *(seed.name for seed in seeds), "verdict")
    rows = [
        (Cell(f.claim.says), Cell(f.dataset), *map(difference_cell, f.differences), Cell(f.verdict or "not judged"))
        for f in findings
    ]
    pairs = [(s.name, f) for found in findings for s, c in zip(seeds, found.comparisons, strict=True) for f in c.fields]
    runs = [c.run for _, field in pairs for c in field.contestants]
    below = [
        plan.about,
        *dict.fromkeys(_definition(found) for found in findings),
        "In points, mask 1 / object as a difference; on the clicks that both models answered. "
        f"In brackets: {100 * LEVEL:g} % intervals over images.",
        "A claim holds on a dataset if the interval of every seed excludes 0 in the direction of the claim, fails if "
        "every one excludes 0 in the other, and is undecided otherwise.",
        *dict.fromkeys(f"Protocol {run.protocol.id}." for run in runs),
        *dict.fromkeys(_counted(name, field) for name, field in pairs),
        *(["* is shown the ground truth."] if any(run.manifest["privileged"] for run in runs) else []),
        *labels([run.dataset for run in runs], [run.model for run in runs]),
    ]
    return Table(titles, tuple(rows), tuple(below), words=(0, 1, len(titles) - 1))


def results_table(plan: Plan, seeds: Sequence[Seed]) -> Table:
    """The table of results: one row per dataset, contestant, order and seed; seeds that lack a model are left out."""
    scored = [
        (seed, seed.runs[dataset, contestant.model].summary(order, metrics=RESULTS))
        for dataset in seeds[0].datasets
        for contestant in plan.contestant
        for order in contestant.orders
        for seed in seeds
        if (dataset, contestant.model) in seed.runs
    ]
    metrics = list(map(str, RESULTS))
    rows = [
        (
            Cell(s.dataset),
            Cell(f"{s.model}*" if s.privileged else s.model),
            Cell(s.order),
            Cell(seed.name),
            *(score_cell(s, name) for name in metrics),
            *(Cell(str(n)) for n in (s.images, s.objects, s.clicks, s.failed)),
        )
        for seed, s in scored
    ]
    titles = ("dataset", "model", "order", "seed", *map(title, metrics), "images", "objects", "clicks", "failed")
    below = [
        plan.about,
        "Best of K is an oracle that picks an output for each click; no model's order can reach more.",
        *dict.fromkeys(notes([s for _, s in scored])),
    ]
    return Table(titles, tuple(rows), tuple(below), words=range(4))


def _open_seed(path: Path, name: str, models: Collection[str]) -> Seed:
    inputs = gather([path], force=True)  # protocols are compared over all seeds, and of these models alone
    runs: dict[tuple[str, str], Run] = {}
    for run in inputs.runs:
        if run.model in models:
            other = runs.setdefault((run.dataset, run.model), run)
            if other is not run:
                raise UsageError(
                    f"{path} has two runs of {run.model} on {run.dataset}, {other.path.name} and {run.path.name}; "
                    "a seed has one of each: move one away"
                )
    strangers = {run.model for run in inputs.runs} - set(models)
    return Seed(name, path, runs, tuple(u for u in inputs.unfinished if u.model in models), tuple(sorted(strangers)))


def _refuse_missing(seed: Seed, model: str, claim: Claim) -> None:
    lacking = [dataset for dataset in seed.datasets if (dataset, model) not in seed.runs]
    if seed.datasets and not lacking:
        return
    started = [f"{u}. " for u in seed.unfinished if u.model == model]
    has = dict.fromkeys([*(name for _, name in seed.runs), *seed.strangers])
    raise UsageError(
        f"{seed.path} has no finished run of {model} on {', '.join(lacking) or 'any dataset'}, which the claim "
        f"'{claim.says}' is about: a claim is judged over every seed. {''.join(started)}"
        f"Make it with 'consbench run' and --out {seed.path}; finished there: {', '.join(has)}"
    )


def _refuse_different_data(seeds: Sequence[Seed]) -> None:
    """Raise unless all seeds have the same datasets, and their runs the same images and one protocol."""
    first = seeds[0]
    for seed in seeds[1:]:
        sides = ((first, set(first.datasets) - set(seed.datasets)), (seed, set(seed.datasets) - set(first.datasets)))
        lone = [f"only {side.path} has {', '.join(sorted(datasets))}" for side, datasets in sides if datasets]
        if lone:
            raise UsageError(
                f"the seeds have different datasets: {'; '.join(lone)}. A claim is judged on each dataset over all "
                "seeds: evaluate every seed on the same datasets with 'consbench run'"
            )
    runs = [run for seed in seeds for run in seed.runs.values()]
    of_dataset: dict[str, Run] = {}
    for run in runs:
        other = of_dataset.setdefault(run.dataset, run)
        if run.protocol.id != runs[0].protocol.id:
            raise RecordMismatch(
                f"{runs[0].path} was made under the protocol {runs[0].protocol.id}, {run.path} under "
                f"{run.protocol.id}; evaluate all seeds under one"
            )
        if run.manifest["identity"]["dataset"] != other.manifest["identity"]["dataset"]:
            raise RecordMismatch(
                f"{other.path} and {run.path} are of other images or annotations, though both are called "
                f"{run.dataset}; evaluate all seeds on the same data"
            )


def _compared(claim: Claim, dataset: str, seed: Seed) -> Comparison:
    than = _in_order(seed.runs[dataset, claim.than], claim.than_order)
    model = _in_order(seed.runs[dataset, claim.model], claim.model_order)
    return compare(than, model, metrics=[claim.metric], permutations=1)  # no p-value has a say


def _in_order(run: Run, order: Order | None) -> Run:
    """The run as if its model had declared this order: `compare` would take both models in every order given."""
    return replace(run, manifest={**run.manifest, "default_order": order}) if order else run


def _definition(found: Finding) -> str:
    """What is subtracted from what, from the plan's fields and not its words."""
    than, model = (
        f"{c.run.model}{'*' if c.run.manifest['privileged'] else ''} ({c.order})"
        for c in found.comparisons[0].fields[0].contestants
    )
    claimed = f", {found.claim.direction} 0" if found.verdict else ""
    return f"'{found.claim.says}' is {found.claim.metric} of {model} minus {than}{claimed}."


def _counted(seed: str, field: Field) -> str:
    counted = f"{field.dataset}: {field.clicks} clicks, {field.objects} objects, {field.images} images"
    failed = [f"{count} that {label} failed on" for label, count in field.failed.items()]
    return counted + (f"; in {seed} left out for both: {', '.join(failed)}" if failed else "") + "."


def _each(
    content: Mapping[str, Any], name: str, make: Callable[[Mapping[str, Any]], Made], file: str | Path
) -> tuple[Made, ...]:
    sections = content.get(name)
    if not isinstance(sections, list) or not sections or not all(isinstance(s, dict) for s in sections):
        came = "none" if sections is None else repr(sections)
        raise UsageError(f"plan {file}: wanted a section [[{name}]] for each {name}; got {came}; {WRITTEN}")
    made = []
    for number, section in enumerate(sections, 1):
        try:
            made.append(make(section))
        except UsageError as error:
            raise UsageError(f"plan {file}, {name} {number}: {error}") from None
    return tuple(made)


def _claim(section: Mapping[str, Any]) -> Claim:
    _refuse_unknown(section, Claim)
    says, metric, model, than = (_text(section, key) for key in ("says", "metric", "model", "than"))
    model_order, than_order = (
        parse_order(_text(section, key)) if key in section else None for key in ("model_order", "than_order")
    )
    judged = section.get("judged", True)
    if not isinstance(judged, bool):
        raise UsageError(f"judged must be true or false; got {judged!r}")
    direction = _direction(section) if judged or "direction" in section else None
    return Claim(says, str(parse(metric)), model, than, direction, model_order, than_order, judged)


def _direction(section: Mapping[str, Any]) -> Direction:
    for known in DIRECTIONS:
        if section.get("direction") == known:
            return known
    came = repr(section["direction"]) if "direction" in section else "nothing"
    raise UsageError(f"direction must be {' or '.join(DIRECTIONS)}; got {came}")


def _contestant(section: Mapping[str, Any]) -> Contestant:
    _refuse_unknown(section, Contestant)
    model = _text(section, "model")
    if "orders" not in section:
        return Contestant(model)
    orders = section["orders"]
    if not isinstance(orders, list) or not orders:
        raise UsageError(f'orders must be a list such as ["area", "native"]; got {orders!r}')
    return Contestant(model, tuple(parse_order(str(order)) for order in orders))


def _refuse_unknown(section: Mapping[str, Any], kind: type[Plan | Claim | Contestant]) -> None:
    known = [field.name for field in fields(kind)]
    for key in section:
        if key not in known:
            raise UnknownName("key", key, known)


def _text(section: Mapping[str, Any], key: str) -> str:
    """A text in one line: a line break would end the comment that a note is in LaTeX."""
    text = section.get(key)
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{key} must be text; got {'nothing' if text is None else repr(text)}")
    return " ".join(text.split())
