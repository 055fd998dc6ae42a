"""How sure a number is: arithmetic on tallies, and the comparison of runs. Reads records, never a model.

    resampling    images drawn anew; each one left out
    studentised   intervals of means and ratios, and of their differences
    bca           intervals of every other form
    intervals     the door to both; differences that so many images can show
    permutation   p-values of differences: the two models swapped, image by image
    families      many tests at once: Holm's correction, groups that cannot be told apart
    pairing       which runs may be compared, and on which clicks
    comparison    `compare`: all of it for models × datasets × metrics
    conditions    "cvr@0.5 > +1.0": what must not happen

The unit of everything here is the image. Clicks on one image share its objects, its light and its clutter:
they are no independent witnesses, and an interval that counts them as such is too narrow.

Legend of axes beside the one in `consbench.types`: I images · M numbers · R resamples (or permutations).
"""
