"""Commands of the campaign `level2`: declared in `command_line` and `map_command_line`."""
