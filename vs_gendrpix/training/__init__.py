"""Training of the pixel-space network on a folder of pictures."""
