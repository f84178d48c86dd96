"""What a paper must keep, as rules: `labcore check KEY` tells its author, and the house's own tests ask the same.

A rule is a function that yields a line for each thing to be mended, and nothing where all is well.
"""
