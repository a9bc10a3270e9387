"""Pages: thin doors that ask queries, take actions, and give templates what they show. Importing this package registers every address."""

from __future__ import annotations

import importlib
import pkgutil

for _found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_found.name}")
