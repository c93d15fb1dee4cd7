"""The Level 2 product: made, checked, handed in and published."""
