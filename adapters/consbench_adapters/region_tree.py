"""`region-tree`: a baseline without weights. Regions merged into one tree; a click gets three of its nodes.

What a model earns beyond this baseline, it knows from its training. There is nothing to train here,
nothing drawn at random, and nothing that depends on the number of threads.

1. The image becomes about a thousand connected regions of like colour (`superpixels`).
2. Adjacent regions merge, the cheapest pair first, until one is left: a binary tree, with the cost
   of each merge as the height of its node (`merge`).
3. A click falls into one leaf. The nodes that contain it are the leaf's ancestors, nested in one
   another. Those that last are worth an answer: a node that was made cheaply and is given up
   dearly differs little within and much from what surrounds it (`persistence`).
4. The answer is the nested triple of greatest total persistence whose areas differ at least by the
   factor three (`choose`), the largest first.

Axes: h, w rows and columns of the shrunk grid · R leaves · V nodes, leaves first, root last
"""

from __future__ import annotations

import heapq
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consbench.errors import UsageError
from consbench.model import Clicks, Prediction
from consbench.types import Image
from consbench_adapters.superpixels import FloatArray, Grid, IntArray, Regions, lab, merge_to, shrink

VERSION = 1
"""Of the method: goes up with any change that moves a pixel, so that records stay comparable."""

SMALLEST, LARGEST = 1 / 1000, 1 / 2
"""Nodes of a smaller or larger share of the image are no answers: grain, and scene with object."""

FACTOR = 3
"""Each answer has at least this many times the area of the next; closer ones would be one answer twice."""


class Tree(NamedTuple):
    """A binary tree of regions.

    Leaves are counted depth first, so that the leaves of node v are `start_V[v]` to `stop_V[v]` - 1.

    parent_V          the node each one merged into; -1 for the root
    height_V          cost of the merge that made the node, never less than below it; 0 for leaves
    start_V, stop_V   the interval of leaves
    """

    parent_V: IntArray
    height_V: FloatArray
    start_V: IntArray
    stop_V: IntArray


def load(*, superpixels: int = 1000, levels: int = 3, long_side: int = 384) -> RegionTree:
    """Make the `region-tree` baseline.

    Args:
        superpixels: leaves of the tree; more of them follow finer parts and cost more time.
        levels: K, the number of answers to a click.
        long_side: longer images are averaged down to this many pixels before anything else.

    Raises:
        UsageError: an option is less than 1.
    """
    for name, value in (("superpixels", superpixels), ("levels", levels), ("long_side", long_side)):
        if value < 1:
            raise UsageError(f"region-tree: {name} must be at least 1; got {value}")
    return RegionTree(superpixels, levels, long_side)


class RegionTree:
    """The baseline behind the contract of `consbench.model`. Make it with `load`."""

    default_order = "area"

    def __init__(self, superpixels: int, levels: int, long_side: int) -> None:
        self.superpixels, self.levels, self.long_side = superpixels, levels, long_side

    def encode(self, image_HWC: Image) -> EncodedTree:
        """Build the tree of one image, uint8 (H, W, 3) RGB."""
        blocks_hwC, grid = shrink(image_HWC, self.long_side)
        regions = merge_to(lab(blocks_hwC), self.superpixels)
        return EncodedTree(regions, merge(regions), grid, self.levels)

    def describe(self) -> dict[str, Any]:
        """The method, its version and every number that decides about a pixel, for the record."""
        return {
            "method": "region-tree",
            "version": VERSION,
            "superpixels": self.superpixels,
            "levels": self.levels,
            "long_side": self.long_side,
            "smallest": SMALLEST,
            "largest": LARGEST,
            "factor": FACTOR,
        }


class EncodedTree:
    """The tree of one image; answers any number of clicks."""

    def __init__(self, regions: Regions, tree: Tree, grid: Grid, levels: int) -> None:
        self._tree, self._grid, self._levels = tree, grid, levels
        self._leaf_hw = tree.start_V[regions.labels_hw]
        self._node_hw = regions.labels_hw
        self._share_V = _share(tree, self._leaf_hw)
        self._persistence_V = persistence(tree, self._leaf_hw)

    def predict(self, clicks_N2: Clicks) -> Prediction:
        """Answer clicks (x, y): K nested masks each, the largest first, each holding the clicked pixel.

        A click outside the image counts as one on the nearest pixel. Scores are the persistence of
        the nodes, 0 to 1. Where there are fewer than K nodes to choose from, the smallest is
        repeated: one answer at every scale is what such a place deserves.
        """
        row_H, column_W = self._grid
        x_N = np.clip(np.rint(clicks_N2[:, 0]), 0, len(column_W) - 1).astype(np.int64)
        y_N = np.clip(np.rint(clicks_N2[:, 1]), 0, len(row_H) - 1).astype(np.int64)
        clicked_N = self._node_hw[row_H[y_N], column_W[x_N]]
        node_NK = np.array([self._answer(leaf) for leaf in clicked_N], dtype=np.int64).reshape(-1, self._levels)

        start_NK11 = self._tree.start_V[node_NK][..., None, None]
        stop_NK11 = self._tree.stop_V[node_NK][..., None, None]
        masks_NKhw = (self._leaf_hw >= start_NK11) & (self._leaf_hw < stop_NK11)
        masks_NKHW = masks_NKhw.take(row_H, axis=2).take(column_W, axis=3)
        return Prediction(masks_NKHW, self._persistence_V[node_NK])

    def _answer(self, leaf: int) -> list[int]:
        chain = [int(leaf)]
        while (parent := int(self._tree.parent_V[chain[-1]])) >= 0:
            chain.append(parent)
        coarse_first = [v for v in reversed(chain) if SMALLEST <= self._share_V[v] <= LARGEST] or chain[:1]
        chosen = choose(self._share_V[coarse_first], self._persistence_V[coarse_first], self._levels)
        return [coarse_first[i] for i in chosen]


def merge(regions: Regions) -> Tree:
    """Merge regions into one tree, the cheapest adjacent pair first; ties: the pair with the lower ids.

    The cost of a merge is (distance of the mean colours + mean contrast along the common border) ×
    a·b / (a + b) / √border, with areas a and b. Its first factor says how different the two regions
    look, as wholes and where they meet. The second is Ward's: small regions go first, and the tree
    stays balanced. The third lets go first what shares a long border, so that nodes come out compact.
    """
    leaves = len(regions.area_R)
    area: list[int] = regions.area_R.tolist()
    colour_sum: list[list[float]] = (regions.mean_R3 * regions.area_R[:, None]).tolist()
    height, children = [0.0] * leaves, [(-1, -1)] * leaves
    # node -> its neighbours now -> (length of the common border, sum of the contrast along it)
    neighbours: dict[int, dict[int, tuple[int, float]]] = {v: {} for v in range(leaves)}
    edges = zip(regions.pair_E2.tolist(), regions.border_E.tolist(), regions.contrast_E.tolist(), strict=True)
    for (a, b), border, contrast in edges:
        neighbours[a][b] = neighbours[b][a] = (border, contrast)

    def cost(a: int, b: int) -> float:
        border, contrast = neighbours[a][b]
        mean_a, mean_b = ([s / area[v] for s in colour_sum[v]] for v in (a, b))
        distance = sqrt(sum((p - q) * (p - q) for p, q in zip(mean_a, mean_b, strict=True)))
        return (distance + contrast / border) * (area[a] * area[b] / (area[a] + area[b])) / sqrt(border)

    queue = [(cost(a, b), a, b) for a, b in regions.pair_E2.tolist()]
    heapq.heapify(queue)
    while queue:
        price, a, b = heapq.heappop(queue)
        if a not in neighbours or b not in neighbours:
            continue  # one of them has merged since
        node = len(area)
        area.append(area[a] + area[b])
        colour_sum.append([p + q for p, q in zip(colour_sum[a], colour_sum[b], strict=True)])
        height.append(max(price, height[a], height[b]))
        children.append((a, b))
        around: dict[int, tuple[int, float]] = {}
        for gone in (a, b):
            for other, (border, contrast) in neighbours.pop(gone).items():
                if other not in (a, b):
                    del neighbours[other][gone]
                    earlier_border, earlier_contrast = around.get(other, (0, 0.0))
                    around[other] = (border + earlier_border, contrast + earlier_contrast)
        neighbours[node] = around
        for other, shared in around.items():
            neighbours[other][node] = shared
            heapq.heappush(queue, (cost(other, node), other, node))
    return _number_leaves(leaves, height, children)


def _number_leaves(leaves: int, height: list[float], children: list[tuple[int, int]]) -> Tree:
    count = [1] * leaves
    for a, b in children[leaves:]:
        count.append(count[a] + count[b])
    parent, start = [-1] * len(children), [0] * len(children)
    for node in range(len(children) - 1, leaves - 1, -1):
        a, b = children[node]
        parent[a] = parent[b] = node
        start[a], start[b] = start[node], start[node] + count[a]
    start_V = np.array(start)
    return Tree(np.array(parent), np.array(height), start_V, start_V + np.array(count))


def persistence(tree: Tree, leaf_hw: IntArray) -> FloatArray:
    """How much each node stands out, 0 to 1: (1 - own height / parent's height) × (1 - share of the frame).

    The root has nothing to stand out from: 0. So has a node that merges at its own height. The
    second factor is the share of the image's outermost blocks that the node holds; what runs along
    the frame of a photograph is more often its background than its subject.
    """
    dearer_V = tree.height_V[tree.parent_V]
    dearer_V[-1] = tree.height_V[-1]
    lasting_V = np.divide(dearer_V - tree.height_V, dearer_V, out=np.zeros_like(dearer_V), where=dearer_V > 0)
    frame = np.concatenate([leaf_hw[0], leaf_hw[-1], leaf_hw[:, 0], leaf_hw[:, -1]])
    scores: FloatArray = lasting_V * (1 - _share(tree, frame))
    return scores


def _share(tree: Tree, leaf: NDArray[np.int64]) -> FloatArray:
    """Share of these blocks (given by the number of their leaf) that each node holds."""
    up_to = np.concatenate([[0], np.cumsum(np.bincount(leaf.ravel(), minlength=int(tree.stop_V[-1])))])
    share: FloatArray = (up_to[tree.stop_V] - up_to[tree.start_V]) / leaf.size
    return share


def choose(area: FloatArray, value: FloatArray, count: int) -> list[int]:
    """Choose `count` of a chain of nested nodes, so that the values sum to most and areas differ enough.

    `area` descends; each chosen one is at least `FACTOR` times the next. Where no `count` of them
    are that far apart, as many as can be are chosen and the last is repeated. Among equals the
    larger nodes win.

    >>> choose(np.array([0.4, 0.3, 0.09, 0.02]), np.array([0.2, 0.7, 0.5, 0.6]), count=3)
    [1, 2, 3]
    >>> choose(np.array([0.4, 0.3]), np.array([0.2, 0.9]), count=3)
    [1, 1, 1]
    """
    may_follow = area[None, :] >= FACTOR * area[:, None]  # (this one, the one before it)
    total = value
    before: list[IntArray] = []  # for each further choice: which one came before it, for the best sum
    while len(before) < count - 1:
        sums = np.where(may_follow, total[None, :], -np.inf)
        reachable = sums.max(axis=1)
        if np.isneginf(reachable).all():
            break
        before.append(sums.argmax(axis=1))
        total = reachable + value
    chosen = [int(total.argmax())]
    for earlier in reversed(before):
        chosen.insert(0, int(earlier[chosen[0]]))
    return chosen + chosen[-1:] * (count - len(chosen))
