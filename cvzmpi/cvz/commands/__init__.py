"""Commands of the campaign `cvz`: declared in `command_line`, each with its body in a module."""
