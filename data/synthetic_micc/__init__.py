"""A stand-in for MICC Florence: invented people, scanned and filmed, whose true shape is known."""
