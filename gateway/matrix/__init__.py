"""What becomes of each feature on its way between every client dialect and every upstream dialect, asked of the code.

asked: features of calls. answered: features of replies. survey: both, through every pair of dialects, as a table.
"""

from __future__ import annotations

from .survey import FATES, Row, survey

__all__ = ["FATES", "Row", "survey"]
