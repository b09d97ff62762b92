"""What networks there are: the table, files like its rows, graphs without training."""
