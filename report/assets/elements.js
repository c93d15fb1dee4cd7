"use strict";
// cvzmpi.element(name, attributes, ...children) makes an element of a page.

(() => {
  const cvzmpi = (globalThis.cvzmpi ??= {});

  // A function is the listener of `onEVENT`; true is an attribute without a value; false, and a child
  // that is undefined, are nothing.
  cvzmpi.element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== undefined));
    return made;
  };
})();
