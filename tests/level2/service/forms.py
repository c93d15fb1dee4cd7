"""What a person does on the pages, by an HTTP client without a browser."""

import re

from tests.level2.example_rows import OP
from tests.level2.service.served import SECRET


def sign_in(web, name="Jane", token=SECRET):
    return web.post("/sign-in", data={"name": name, "token": token})


def press(web, action, program=OP, of=None, **data):
    """Press a button of a program's page, if it has it.

    Parameters
    ----------
    of : str
        The address of what the button is about, by default the program.
    """
    page = web.get(f"/programs/{program}").text
    address = f"{of or f'/programs/{program}'}/{action}"
    form = (
        rf'action="{re.escape(address)}"[^>]*>\s*<input type="hidden" name="form_key" value="(\w+)"'
    )
    key = re.search(form, page)
    assert key, f"the page has no button {action}"
    return web.post(address, data={"form_key": key[1], **data})
