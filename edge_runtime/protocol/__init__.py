"""What box and server say to each other, as plain data: no I/O, no ML stack.

Every message is a frozen msgspec struct. Unknown fields are ignored, so either side may be newer.
"""
