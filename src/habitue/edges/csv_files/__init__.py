"""Tables in files (CSV): read row by row, with what is wrong told by line, and written as they
come. What a row means is the business of whoever declares its columns.
"""
