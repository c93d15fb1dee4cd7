"""Transfers of files between the places where a data centre keeps them."""
