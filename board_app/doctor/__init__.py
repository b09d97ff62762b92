"""What is wrong with a board: safe looks first, then registers, then the chip itself."""
