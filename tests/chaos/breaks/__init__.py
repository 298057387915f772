"""Breaks the product on purpose, one promise at a time, to see whether tests and experiments notice."""
