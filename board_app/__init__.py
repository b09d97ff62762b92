"""Board side: load the overlay, classify, measure, and serve the demo.

Runs on the PYNQ image's stock Python (3.10, numpy 1.21, Flask 2.1, Pillow): no other package, and
nothing of `host_build`.
"""
