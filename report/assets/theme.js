"use strict";
// The theme: light or dark as the system has it, or as the reader chose with the button
// [data-theme-switch]. It stands in <head> without defer, so that no page flashes in the other theme.
// For what draws by itself: cvzmpi.colour("series-1") is a colour of the theme at this moment, and
// the event "cvzmpi:theme" of the document says that all of them are different now.

const cvzmpi = (globalThis.cvzmpi ??= {});

(() => {
  const KEY = "cvzmpi-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  // Some browsers refuse localStorage for files and in private windows: the choice is for the page then.
  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // nothing to keep it in
    }
  }

  cvzmpi.theme = () => document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light");
  cvzmpi.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  cvzmpi.chooseTheme = (theme) => {
    document.documentElement.dataset.theme = theme;
    remember(theme);
    changed();
  };

  function changed() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) label(button);
    document.dispatchEvent(new CustomEvent("cvzmpi:theme", { detail: cvzmpi.theme() }));
  }

  function label(button) {
    const other = cvzmpi.theme() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark theme" : "Light theme";
    button.hidden = false;
  }

  const chosen = remembered();
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  system.addEventListener("change", changed);
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      label(button);
      button.addEventListener("click", () => cvzmpi.chooseTheme(cvzmpi.theme() === "dark" ? "light" : "dark"));
    }
  });
})();
