"""`python -m labcore` is the command `labcore`."""

from labcore.cli import main

main()
