"""Networks of the paper's stages before GenDR-Pix: training's, and those wrapped for use.

vae.py        an autoencoder of pictures
latent.py     a restorer of latents in one step, and an encoder of pixels
baselines.py  both with the halves of an autoencoder: GenDR, GenDR-Adc
parts.py      networks as diffusers writes them; wrap.py makes a model file of such
"""
