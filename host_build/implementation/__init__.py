"""Synthesis of the generated hardware, and what it costs."""
