"""What is classified: CIFAR-10, anybody's pictures, samples."""
