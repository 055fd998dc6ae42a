"""Weak part labels, Algorithm 1 of the paper: objects that somebody drew -> parts that nobody drew.

    sources      EntitySeg, HQ-Seg44K, any COCO file   ->  images with objects
    proposers    a model asked everywhere on an image   ->  regions
    algorithm    regions and one object                 ->  the object's parts
    labelling    all of it, image by image; sharded, resumable
    batches      what is finished so far                ->  one file
    table        the file: what is in it, and reading it
    dataset      the file                               ->  the dataset `pseudo-parts`
    preview      a sheet to look at, as the paper's Figure 3

Nothing here loads torch before a SAM is asked for.
"""

from consbench_reference_training.pseudo_parts.algorithm import Region, Slivers, cut, paint
from consbench_reference_training.pseudo_parts.labelling import make_labels
from consbench_reference_training.pseudo_parts.sources import Source

__all__ = ["Region", "Slivers", "Source", "cut", "make_labels", "paint"]
