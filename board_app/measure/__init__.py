"""Accuracy and speed, and the report of them."""
