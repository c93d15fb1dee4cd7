"""What all pages share: the theme, tables and charts."""
