"""A USB camera on the board: one capture for all who watch."""
