"""From the integer graph and a folding to SystemVerilog and memory images."""
