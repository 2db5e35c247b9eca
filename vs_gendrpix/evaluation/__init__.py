"""Measures of restored pictures, and the table that compares them with the resize and others."""
