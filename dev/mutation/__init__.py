"""Mutation testing of the modules that Lambda runs: changes the code in small ways, and expects a test to fail.

`python -m dev.mutation`, or `make mutation`. A change that no test notices is a survivor: the tests do not say what the
code there is for. Survivors are killed by a better test, or listed in `equivalent.toml` with the reason why they change
nothing.

Two tools were tried, and neither does this alone. mutmut 3.8 forks and picks the tests that call a function, but needs
the path of a module to be its import name, and changes nothing outside functions nor in properties: no table of
scenarios, no field of a class. cosmic-ray 8.7 changes all code, but no text, argument, statement or element of a table,
and every mutant takes a new interpreter and all tests. So mutmut's operators are used, and what remains is ours: more
operators, applied everywhere, trials of whole modules, and the list with reasons.
"""
