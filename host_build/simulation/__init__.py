"""Register-transfer simulation of the generated hardware."""
