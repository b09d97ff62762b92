"""Hardware kernels: one SystemVerilog module and its Python twin of the same name each."""
