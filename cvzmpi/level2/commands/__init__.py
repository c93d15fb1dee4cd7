"""Commands of the campaign `level2`: declared in `command_line`, each with its body in a module."""
