"""The demo's two halves: one has the FPGA, the other strangers' pictures and no privileges."""
