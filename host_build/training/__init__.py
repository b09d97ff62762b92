"""Training a row of `variants` on CIFAR-10."""
