"use strict";
// Light curves that zoom down to single cadences. The page has a <details class="light-curve"> for each; when it is
// opened, its script is loaded, which calls cvzmpi.lightCurve(tic, sector, data). The address #sector-7 opens one, and
// #sector-7-flare-3 shows a flare in it. cvzmpi.lightCurves[sector] is the view, once it is shown.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  cvzmpi.lightCurves = {};
  const loading = new Map(); // [give the data, give up], by sector

  cvzmpi.lightCurve = (tic, sector, data) => loading.get(String(sector))?.[0](data);

  function load(section) {
    const { sector } = section.dataset;
    return new Promise((resolve, reject) => {
      loading.set(sector, [resolve, reject]);
      const script = document.createElement("script");
      script.src = section.dataset.script;
      script.onerror = () => reject(new Error(`${section.dataset.script} is not beside this page`));
      document.head.append(script);
    });
  }

  // The view of a section, loaded when it is asked for the first time.
  function viewOf(section) {
    section.view ??= load(section).then(async (data) => {
      const view = new parts.View(section, await parts.open(data));
      cvzmpi.lightCurves[section.dataset.sector] = view;
      return view;
    }).catch((error) => {
      section.querySelector(".light-curve-view").textContent = `This light curve cannot be shown: ${error.message}.`;
      throw error;
    });
    return section.view;
  }

  async function follow() {
    const [, sector, flare] = location.hash.match(/^#sector-(\d+)(?:-flare-(\d+))?$/) ?? [];
    const section = sector && document.getElementById(`sector-${sector}`);
    if (!section?.matches("details.light-curve")) return;
    section.open = true;
    const view = await viewOf(section);
    if (flare) view.showFlare(Number(flare));
    section.scrollIntoView({ block: "start" });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const section of document.querySelectorAll("details.light-curve")) {
      section.addEventListener("toggle", () => { if (section.open) viewOf(section); });
      if (section.open) viewOf(section);
    }
    follow();
  });
  window.addEventListener("hashchange", follow);
  // the same link once more
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("a")?.href === location.href) follow();
  });
  document.addEventListener("cvzmpi:theme", () => Object.values(cvzmpi.lightCurves).forEach((view) => view.redraw()));
})();
