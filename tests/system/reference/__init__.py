# SPDX-License-Identifier: Apache-2.0
"""A model of the VMM, written from docs/ alone, that random programs are compared with on the real machine.

`turns`, `memory`, `vm`, `world`: the model. `operations`: what programs consist of; `random_programs` makes them.
`bench`: the machine that executes them, `compare`: what it then looks like. `mutants`: machines with a planted bug.
"""
