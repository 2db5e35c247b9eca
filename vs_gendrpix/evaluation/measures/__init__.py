"""Measures: a picture or clip, mostly with its reference, in; a number out."""
