"""What a bitstream is made of: file, packets, frames, and Project X-Ray's database of them."""
