"use strict";
// What stands around the plots of a light curve: buttons, readouts, legend, and the table of its flares.

(() => {
  const { element } = cvzmpi;
  const parts = (cvzmpi.lightCurveParts ??= {});
  const KEYS = "Keys: plus and minus zoom, left and right arrow move, Shift with them goes from cadence to cadence, " +
    "0 shows all, n and p show the next and the previous flare.";
  const HINT = "Drag to zoom into a stretch, Shift and drag to move; once it is clicked, the wheel zooms. " +
    "On a touch screen: pinch and drag. Keys: ";

  // Fill the section of a view: its frame for the plots, and what is around it.
  parts.addControls = (view) => {
    const { flares } = view.curve;
    view.lower = lowerChoice(view);
    view.frame = element("div", {
      class: "light-curve-frame", tabindex: "0", role: "application", "aria-roledescription": "light curve that zooms",
      "aria-label": `Light curve of ${view.part}`, "aria-describedby": `${view.name}-summary ${view.name}-keys`,
    });
    view.status = element("p", { class: "light-curve-status", role: "status" });
    view.readout = element("p", { class: "light-curve-readout" }, "Point at a cadence to read it.");
    view.facts = element("p", { class: "light-curve-facts", "aria-live": "polite" });
    const title = `Table: ${flares.length === 1 ? "the flare" : `the ${flares.length} flares`} of this light curve`;
    const list = () => parts.flareList(view.curve, (number) => view.showFlare(number));
    view.section.querySelector(".light-curve-view").replaceChildren(
      tools(view),
      element("p", { class: "visually-hidden", id: `${view.name}-keys` }, KEYS),
      view.frame, view.status, view.readout, view.facts,
      parts.completenessReadout(view.curve, view.name),
      legend(view.curve),
      element("p", { class: "note" }, HINT, ...["+", "−", "←", "→", "0", "n", "p"].flatMap((key) => [element("kbd", {}, key), " "])),
      ...(flares.length ? [element("details", { class: "light-curve-flares" }, element("summary", {}, title), list())] : []),
    );
  };

  function lowerChoice(view) {
    const choice = element("select", { "aria-label": "Lower panel", onchange: () => view.chooseLower() });
    if (view.curve.residual) choice.append(element("option", { value: "residual" }, "residual"));
    choice.append(element("option", { value: "probability" }, "flare probability"));
    return choice;
  }

  function tools(view) {
    const button = (text, label, key, onclick) => {
      const title = key ? `${label} (${key})` : label;
      return element("button", { type: "button", "aria-label": `${label}, ${view.part}`, title, onclick }, text);
    };
    const ofFlares = () => [button("◂ Flare", "Previous flare", "p", () => view.step(-1)), button("Flare ▸", "Next flare", "n", () => view.step(1))];
    return element("div", { class: "tools", role: "toolbar", "aria-label": `Light curve of ${view.part}` },
      button("All", "Show all", "0", () => view.showAll()),
      button("+", "Zoom in", "+", () => view.zoomBy(0.5)),
      button("−", "Zoom out", "−", () => view.zoomBy(2)),
      button("←", "Earlier", "left arrow", () => view.pan(-0.25)),
      button("→", "Later", "right arrow", () => view.pan(0.25)),
      ...(view.curve.flares.length ? ofFlares() : []),
      element("label", {}, "Below: ", view.lower),
      button("PNG", "Save as PNG", "", () => view.savePng()),
      button("CSV", "Save what is visible as CSV", "", () => view.saveCsv()));
  }

  function legend(curve) {
    const entry = (kind, text) => element("li", {}, element("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
    const entries = [entry("data", "searched cadence"), entry("left-out", "not searched")];
    if (curve.flares.length) entries.splice(1, 0, entry("flaring", "cadence of a flare"));
    if (curve.mean) entries.push(entry("model", "model and its standard deviation"));
    if (curve.flares.length) {
      const sign = (shape, text) => element("li", {}, element("span", { class: "sign", "aria-hidden": "true" }, shape), text);
      entries.push(sign("◆", "both searches"), sign("▲", "significance"), sign("●", "stella"));
      entries.push(sign("◇", "hollow: reliability below 0.5, half filled: below 0.9"));
    }
    return element("ul", { class: "light-curve-legend" }, ...entries);
  }
})();
