"""Records to and from the files of other tools: masks as COCO results, clicks as a list that can be asked again.

files    a file is written whole or not at all
clicks   the list of clicks, as JSON
coco     the masks, as COCO results
"""

from consbench.exchange.clicks import clicks_of, read_clicks, write_clicks
from consbench.exchange.coco import write_coco

__all__ = ["clicks_of", "read_clicks", "write_clicks", "write_coco"]
