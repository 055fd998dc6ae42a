"""Conformance of a model to the contract of `consbench.model`, for adapters' own test suites.

    from consbench.testing import check_model

    def test_my_adapter_conforms():
        check_model(my_adapter.load()).raise_if_failed()

comes in: a model · goes out: a `Conformance`, one `Finding` per check · may touch: nothing but the model.
`findings` holds the nouns, `pictures` what a model is shown, `probe` every call that is made to it, `compare`
whether two answers are the same, `checks` what must be true, `examination` the order and the likely slips.
"""

from consbench.testing.examination import check_model
from consbench.testing.findings import Conformance, Finding, Outcome, Slip

__all__ = ["Conformance", "Finding", "Outcome", "Slip", "check_model"]
