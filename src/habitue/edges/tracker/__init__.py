"""The tracker: the browser's script and the collector it speaks to."""
