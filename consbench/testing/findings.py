"""What an examination of a model says: one finding per check, together a conformance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from consbench.errors import ContractError

Outcome = Literal["passed", "warned", "skipped", "failed"]


class Slip(NamedTuple):
    """A mistake that would explain a failure, and how it is mended."""

    cause: str
    mend: str

    def __str__(self) -> str:
        return f"{self.cause}: {self.mend}"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: the check, in one word.
        claim: what the check holds to be true of every model.
        outcome: "passed"; "warned" where the probe could not decide or the difference is of the size of
            rounding; "skipped" where the check does not apply or needs one that failed; "failed".
        seen: what the model did.
        slips: the likely slips, the likeliest first; empty unless failed or warned.
    """

    name: str
    claim: str
    outcome: Outcome
    seen: str
    slips: tuple[Slip, ...] = ()

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.outcome:8} {self.name:10} {self.seen}", *(f"{'':19} likely slip: {s}" for s in self.slips)]
        )


@dataclass(frozen=True, slots=True)
class Conformance:
    """Every finding about one model, and what the examination cost.

    Attributes:
        findings: one per check, in the order they were made.
        encodes, predicts: how often the model was called.
        seconds: wall-clock time of the whole examination.

    >>> Conformance((Finding("masks", "masks are bool", "failed", "got float32"),)).ok
    False
    """

    findings: tuple[Finding, ...]
    encodes: int = 0
    predicts: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no check failed; warnings and skipped checks do not count against a model."""
        return not self.of("failed")

    def of(self, outcome: Outcome) -> tuple[Finding, ...]:
        """The findings with that outcome."""
        return tuple(finding for finding in self.findings if finding.outcome == outcome)

    @property
    def verdict(self) -> str:
        """One line: conforms or not, and how many checks ended how."""
        counts = ", ".join(
            f"{len(self.of(outcome))} {outcome}"
            for outcome in ("failed", "warned", "passed", "skipped")
            if self.of(outcome)
        )
        return f"{'conforms' if self.ok else 'does not conform'} to the model contract: {counts}"

    def raise_if_failed(self) -> None:
        """Raise ContractError that lists every failed check with its likely slips; for use in tests."""
        if not self.ok:
            raise ContractError("\n".join([f"the model {self.verdict}", *(str(f) for f in self.of("failed"))]))

    def __str__(self) -> str:
        return "\n".join([*(str(f) for f in self.findings), self.verdict])
