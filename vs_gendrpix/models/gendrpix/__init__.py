"""The network of GenDR-Pix (arXiv 2602.10630): pixels in, pixels out, one step, no VAE.

restorer.py   all of this behind the contract of a `Restorer`
network.py    unshuffle, UNet or chain, shuffle; the condition and the model's card
unet.py       the UNet, with the keys of diffusers; layers.py, attention.py: its parts
compact.py    the chain of convolutions, as Real-ESRGAN's compact networks are
windows.py    self-attention in windows; window_plan.py says where they lie
padcfg.py     PadCFG: two paddings, guided
folding.py    constants folded into weights; fp8.py: products in fp8
files.py      model files
export.py     models as ONNX
"""
