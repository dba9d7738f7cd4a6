"""What goes out: requests to the systems that a shop has named."""
