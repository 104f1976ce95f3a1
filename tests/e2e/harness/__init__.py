"""A real browser against a real JupyterLab with real kernels."""
