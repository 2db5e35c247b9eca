"""The network of GenDR-Pix (arXiv 2602.10630): pixels in, pixels out, one step, no VAE."""
