"""Models of the JSON products: keys, units and descriptions, each defined once.

JSON Schema, the reference in ``docs/reference/products.md`` and the units of ``sirenflow compare``
are generated from them.
"""
