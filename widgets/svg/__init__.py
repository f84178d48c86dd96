"""Figures as SVG, drawn from the same specification that plotly draws on a page with a kernel.

For paper, files, the index and a page's first paint: text and lines, a few kilobytes, and nothing runs.
"""
