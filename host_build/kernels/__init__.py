"""Hardware kernels: SystemVerilog, a module a file; each kernel with a Python twin of its name."""
