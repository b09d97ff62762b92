"""Host side: train the network, compile it, and turn it into an overlay for the board."""
