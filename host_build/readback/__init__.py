"""From a bitstream back to the circuit that it configures."""
