"""From a quantised ONNX model to the integer graph: FINN's stages, each checked."""
