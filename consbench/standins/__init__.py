"""Stand-ins: drawn scenes of things made of parts, in the layouts of the data sets they stand in for.

A machine without Pascal Part, PartImageNet and PACO runs the whole bench on these, through the same
loaders. They are drawn, not photographed: figures measured on them are never the paper's.

    shapes → creatures, vehicles, … → kinds → poses ─┐
    colours, textures → backdrops, canvas ───────────┴→ annotation, camera → scenes
    scenes, polygons → layouts → store → sets
"""

from consbench.standins.scenes import PROFILES, Profile, Scene, scene
from consbench.standins.sets import paco, partimagenet, pascal_part
from consbench.standins.sheet import contact_sheet
from consbench.standins.store import Like, Manifest, write

__all__ = [
    "PROFILES",
    "Like",
    "Manifest",
    "Profile",
    "Scene",
    "contact_sheet",
    "paco",
    "partimagenet",
    "pascal_part",
    "scene",
    "write",
]
