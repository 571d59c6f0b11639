"""Mutation testing of the two modules that Lambda runs: changes the code in small ways, and expects a test to fail.

`python -m dev.mutation`, or `make mutation`. A change that no test notices is a survivor: the tests do not say what the
code there is for. Survivors are killed by a better test, or listed in `equivalent.toml` with the reason why they change
nothing.
"""
