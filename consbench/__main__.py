"""`python -m consbench` is the command line."""

from consbench.cli import main

main()
