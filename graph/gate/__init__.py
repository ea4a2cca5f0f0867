"""``bankable gate``: is tonight's measurement better, no worse or worse than a baseline of earlier nights?"""
