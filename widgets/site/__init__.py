"""The lessons as plain pages that need no server and no network: `python -m widgets.site FOLDER`, or `make site`.

A lesson is executed once (`lessons`), with its benches in a form of their own (`still`): what they can show without a
kernel is computed in a bounded time (`runs`), packed into the page (`packed`), and played by `page.js` with the same
code that draws a live bench.
"""
