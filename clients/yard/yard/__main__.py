from __future__ import annotations

from yard.start import main

main()
