"""What the board computes: overlay, graph, the reference in numpy, golden vectors."""
