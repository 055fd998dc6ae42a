"""Which numbers of a table may be bold: those of a model that is told apart from every other of its dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from consbench.errors import UsageError
from consbench.ordering import Order
from consbench.run import Run
from consbench.statistics.comparison import Comparison, better_side, compare
from consbench_reports.tables import Key


def compared(
    runs: Sequence[Run], orders: Sequence[Order | None], deltas: Sequence[float]
) -> tuple[Comparison | None, str]:
    """Compare the runs of each dataset, those that are shown the ground truth left out.

    Returns the comparison and "", or None and the reason why there is none.
    """
    honest = [run for run in runs if not run.manifest["privileged"]]
    several = Counter(run.dataset for run in honest)
    rivals = [run for run in honest if several[run.dataset] > 1 or len(orders) > 1]
    if not rivals:
        return None, ""
    try:
        return compare(rivals, order=[order for order in orders if order] or None, deltas=deltas), ""
    except UsageError as error:  # other images, other annotations: the report says so and goes on
        return None, str(error)


def significantly_best(comparison: Comparison) -> set[Key]:
    """The keys of values that are better than those of every other model of the dataset, told apart from each."""
    found: set[Key] = set()
    metrics = [metric for metric in dict.fromkeys(d.metric for d in comparison.differences) if better_side(metric)]
    for field in comparison.fields:
        of_label = {c.label: (field.dataset, c.run.model, c.order) for c in field.contestants}
        named = Counter(of_label.values())
        for metric in metrics:
            groups = comparison.groups(field.dataset, metric)
            values = comparison.values(field.dataset, metric)
            if len(values) < 2 or not groups or len(groups[0]) > 1:
                continue
            (winner,) = groups[0]
            if named[of_label[winner]] == 1:  # two rows of one name: bold would not say which
                found.add((*of_label[winner], metric))
    return found
