"""Search for networks: from a space, pruned by cost, trained briefly, drawn as a front."""
