"""Networks that restore pictures; none knows a clip.

catalogue.py  which model files there are
gendrpix/     the network of GenDR-Pix, its model files and its guidance
ancestors/    what the paper's stages before it need: an autoencoder, restorers of latents
weights/      the model files that ship, each with its card
"""
