"""Others' models behind the contract of `consbench.model`.

Touches torch, the device and weights; never the ground truth, and never the network unasked.
"""
