"""The FPGA: its registers, one session on pynq, batches; and the choice of the backend."""
