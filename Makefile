.PHONY: setup check test slow docs golden

setup:  ## an editable install with everything a developer needs
	python -m pip install -e '.[dev]'

check:  ## style, types, import directions
	ruff format --check . && ruff check . && mypy && lint-imports

test:  ## what takes minutes
	python -m pytest

slow:  ## what takes longer
	python -m pytest -m slow

docs:  ## the pages of docs/, strict
	mkdocs build --strict

golden:  ## write the golden run anew, after a change of numbers that is meant
	CONSBENCH_GOLDEN=write python -m pytest tests/test_golden.py
