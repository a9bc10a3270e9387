"""Metrics that people define in text (TOML): read (`text`), compiled into metrics of the catalogue (`compiled`), kept (`kept`).

A definition becomes the same frozen values as one of the catalogue, so whatever can be asked of a metric can be asked of it.
"""
