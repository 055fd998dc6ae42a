"""What can go wrong, as a tree.

    ConsbenchError                 everything this project raises on purpose
    ├── UsageError                 the user asked for something that cannot be (exit code 2)
    │   ├── UnknownName            no model, dataset, split, policy … of that name; carries suggestions
    │   ├── DataMissing            a dataset's files are absent or incomplete
    │   ├── WeightsError           a checkpoint is absent, damaged or of another architecture
    │   ├── RecordMismatch         a run directory holds another model, dataset or protocol
    │   └── RecordUnreadable       a run directory is unfinished, damaged or of another format
    ├── BadSample                  one image or its annotation cannot be read; the sample is skipped
    ├── ContractError              a model broke the contract of `consbench.model`; its clicks fail
    └── RunFailed                  a run could not go on (exit code 1)

Messages say what came, what was wanted and how to mend it.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class ConsbenchError(Exception):
    """The root of every error this project raises on purpose."""


class UsageError(ConsbenchError):
    """The user asked for something that cannot be; the command line exits with 2."""


class UnknownName(UsageError):
    """No model, dataset, split, policy … has that name.

    Args:
        kind: what was looked up, in the singular ("model").
        name: the name that came.
        known: the names there are; the nearest becomes the suggestion.

    >>> print(UnknownName("model", "hq_sam", ["sam", "hq-sam"]))
    no model is called 'hq_sam'; did you mean 'hq-sam'? Known: hq-sam, sam.
    >>> print(UnknownName("metric", "cvr-auc", ["CVR-AUC", "cover"]))
    no metric is called 'cvr-auc'; did you mean 'CVR-AUC'? Known: CVR-AUC, cover.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        close = nearest(name, self.known)
        hint = f" did you mean '{close}'?" if close else ""
        listed = f" Known: {', '.join(self.known)}." if self.known else " None is installed."
        super().__init__(f"no {kind} is called '{name}';{hint}{listed}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`; None where none is alike. Case matters only between equals.

    >>> nearest("miou-OBJECT", ["mIoU-object", "mIoU-part"]), nearest("sam", ["SAM", "sam"]), nearest("zzz", ["sam"])
    ('mIoU-object', 'sam', None)
    """
    folded: dict[str, list[str]] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), []).append(candidate)
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return (
        max(folded[close[0]], key=lambda alike: difflib.SequenceMatcher(None, name, alike).ratio()) if close else None
    )


class DataMissing(UsageError):
    """A dataset's files are absent or incomplete."""


class WeightsError(UsageError):
    """A checkpoint is absent, damaged or of another architecture."""


class RecordMismatch(UsageError):
    """A run directory holds another model, dataset or protocol than the one asked for."""


class RecordUnreadable(UsageError):
    """A run directory is unfinished, damaged or of a format this version does not read."""


class BadSample(ConsbenchError):
    """One image or its annotation cannot be read; the runner names it, skips it and goes on."""


class ContractError(ConsbenchError):
    """A model's answer does not fit the contract of `consbench.model`."""


class RunFailed(ConsbenchError):
    """A run could not go on; the command line exits with 1."""


def last_line(error: BaseException) -> str:
    """The essence of a traceback in one line: "ValueError: no such size (mine.py:12 in encode)".

    >>> try:
    ...     int("x")
    ... except ValueError as error:
    ...     print(last_line(error))
    ValueError: invalid literal for int() with base 10: 'x' (<doctest ...:2 in <module>)
    """
    message = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return message
    return f"{message} ({Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})"
