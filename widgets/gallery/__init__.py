"""The lessons served to a class: `python -m widgets.gallery notebooks`.

`server` is the program, `pages` are its answers, `room` is what both know of the visitors. Their kernels are copies of
processes that `nursery` forks and `ready_lesson` brings to a lesson's first figures; `fork_server` asks for them.
"""
