"""Formal proofs of the kernels: what holds for all inputs, at all times, from any state.

A bench in `benches/` surrounds a kernel with anything its neighbours may do and says what must then
be true; SymbiYosys has it proved. `mutants` changes the kernels, to see that it would be noticed.
"""
