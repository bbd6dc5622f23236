"""The words of the product as frozen plain data. Standard library and numpy only."""
