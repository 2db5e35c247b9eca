"""Networks that restore pictures; none knows a clip.

restorer.py   the contract of a model, which is all that an engine knows of it
opening.py    a model file opened as a restorer, of whatever kind it is
community.py  models of other people, by spandrel
devices.py    devices by name, and their arithmetic; heap.py: memory kept between frames
catalogue.py  which model files there are; card.py: what a model says of itself
joining.py    two models in one file: two ends, or two networks by the scale
tensor_file.py  safetensors files, checked before they are believed; tensors.py: what they hold,
              compared with a network
unchanged.py  what has been read of a file, kept until it changes
gendrpix/     the network of GenDR-Pix, its model files and its guidance
ancestors/    what the paper's stages before it need: an autoencoder, restorers of latents
weights/      the model files that ship, each with its card
"""
