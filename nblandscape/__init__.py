"""See, click and re-compute the loss landscape of a PyTorch or Hugging Face model inside a notebook."""

__version__ = "0.1.0"
