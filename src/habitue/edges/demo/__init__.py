"""The front door: a small shop to look at, and one cart explained line by line.

`shop.yaml` is the shop as `habitue apply` reads it, `cart.py` its price list, its customers and the
cart. `seeding.py` puts the shop into the database, `client.py` sends the cart through the server as
a web shop would, `words.py` and `page.py` say what came back and why. `serving.py` runs it all.
"""
