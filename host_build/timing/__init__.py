"""How fast what a bitstream configures may run: delays of cells and wires, paths, the clock."""
