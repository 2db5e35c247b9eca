"""Networks of the paper's stages before GenDR-Pix, which only training uses.

vae.py        an autoencoder of pictures
latent.py     a restorer of latents, and an encoder of pixels
baselines.py  the resize alone, as a network
"""
