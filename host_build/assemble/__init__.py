"""Overlays: a compiled network with what was measured on it, then its circuit."""
