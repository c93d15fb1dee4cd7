"use strict";
// What a reader does with a chart: zoom it, as gestures.js says, and see the values under the pointer.
// cvzmpi.chartZoom(chart) listens for it.

(() => {
  const NEAR = 28; // pixels within which a point is meant

  cvzmpi.chartZoom = (chart) => {
    const { frame, tip } = chart.parts;
    const { over } = chart.plot;

    cvzmpi.listenToKeys(frame, {
      "+": () => chart.zoomBy(0.7),
      "-": () => chart.zoomBy(1 / 0.7),
      ArrowLeft: () => chart.pan(-0.2, 0),
      ArrowRight: () => chart.pan(0.2, 0),
      ArrowUp: () => chart.pan(0, 0.2),
      ArrowDown: () => chart.pan(0, -0.2),
      0: () => chart.reset(),
      Home: () => chart.reset(),
      Escape: () => hideTip(),
    });

    cvzmpi.listenToPointers(over, {
      axes: "xy",
      chosen: () => document.activeElement === frame,
      choose: () => frame.focus({ preventScroll: true }),
      zoomBy: (factor, place) => chart.zoomBy(factor, along(place)),
      zoomTo: ({ left, right, top, bottom }) => chart.zoomTo({ x: values("x", [left, right]), y: values("y", [top, bottom]) }),
      pan: (right, up) => chart.pan(right, up),
      reset: () => chart.reset(),
      click,
      hover: showTip,
      drag: hideTip,
      leave: hideTip,
    });

    // A place as shares of the axes.
    function along({ left, top, width, height }) {
      const [right, up] = [left / width, 1 - top / height];
      return { x: chart.axes.x.reversed ? 1 - right : right, y: chart.axes.y.reversed ? 1 - up : up };
    }

    function values(axis, pixels) {
      return pixels.map((pixel) => chart.plot.posToVal(pixel, axis)).sort((a, b) => a - b);
    }

    function click(now, event) {
      const near = nearest(chart, now);
      if (event.pointerType !== "mouse") {
        showTip(now);
        return;
      }
      if (near?.link) window.open(near.link, event.ctrlKey || event.metaKey ? "_blank" : "_self");
    }

    function hideTip() {
      tip.hidden = true;
      over.style.cursor = "";
    }

    function showTip(now) {
      const near = nearest(chart, now);
      if (!near) {
        hideTip();
        return;
      }
      over.style.cursor = near.link ? "pointer" : "crosshair";
      const lines = near.lines.map((line) => {
        const made = document.createElement("div");
        made.textContent = line;
        return made;
      });
      if (near.link) {
        const link = document.createElement("a");
        link.href = near.link;
        link.tabIndex = -1;
        link.textContent = near.title;
        lines.unshift(link);
      } else if (near.title) lines.unshift(Object.assign(document.createElement("strong"), { textContent: near.title }));
      tip.replaceChildren(...lines);
      tip.hidden = false;
      const origin = { left: over.offsetLeft + near.left, top: over.offsetTop + near.top };
      const right = origin.left + 14 + tip.offsetWidth < frame.clientWidth;
      tip.style.left = `${right ? origin.left + 14 : Math.max(0, origin.left - 14 - tip.offsetWidth)}px`;
      tip.style.top = `${Math.max(0, origin.top - tip.offsetHeight - 8)}px`;
    }
  };

  // The point of a series that is nearest to a place in the frame: its text, link and place in CSS pixels.
  function nearest(chart, { left, top }) {
    const pen = chart.pen();
    const ratio = uPlot.pxRatio;
    const [px, py] = [left * ratio + pen.box.left, top * ratio + pen.box.top];
    let best = null;
    let least = NEAR * ratio;
    for (const series of chart.series) {
      if (!series.shown || (series.faint && !series.name)) continue;
      const values = series.y.length ? series.y : series.high;
      for (let i = 0; i < values.length; i += 1) {
        let distance;
        if (bars(series)) {
          const [start, end] = cvzmpi.barEnds(series, i).map(pen.x);
          const inside = px >= Math.min(start, end) && px <= Math.max(start, end);
          distance = inside ? (series.kind === "bars" && py >= pen.y(values[i]) ? 2 : Math.abs(py - pen.y(values[i])) + 2) : Infinity;
          if (inside && series.kind === "bars") distance = Math.min(distance, NEAR * ratio - 1);
        } else {
          distance = Math.hypot(px - pen.x(series.x[i]), py - pen.y(values[i]));
          if (series.kind !== "points") distance += 4;
        }
        if (distance < least) {
          least = distance;
          best = [series, i];
        }
      }
    }
    if (!best) return null;
    const [series, i] = best;
    const value = series.y.length ? series.y[i] : series.high[i];
    const middle = bars(series) ? cvzmpi.barEnds(series, i).map(pen.x).reduce((a, b) => (a + b) / 2) : pen.x(series.x[i]);
    return {
      title: series.labels[i] ?? (chart.series.filter((one) => one.name).length > 1 ? series.name : ""),
      link: series.links[i] || "",
      lines: linesOf(chart, series, i),
      left: (middle - pen.box.left) / ratio,
      top: (pen.y(value) - pen.box.top) / ratio,
    };
  }

  function bars(series) {
    return series.kind === "bars" || series.kind === "steps";
  }

  function linesOf(chart, series, i) {
    const text = (value) => cvzmpi.numberText(value, 4);
    const withUnit = (title, value, unit) => `${title}: ${value}${unit ? ` ${unit}` : ""}`;
    const { x, y } = chart.axes;
    const lines = series.facts.map((fact) => withUnit(fact.title, typeof fact.values[i] === "string" ? fact.values[i] : cvzmpi.numberText(fact.values[i], fact.exact ? 9 : 6), fact.unit));
    if (!x.hidden) {
      const edges = bars(series) && series.x.length > series.y.length;
      const shown = x.words ? x.words[series.x[i]] : edges ? `${text(series.x[i])} to ${text(series.x[i + 1])}` : text(series.x[i]);
      lines.push(withUnit(x.title, shown, x.unit));
      if (chart.second && !edges) lines.push(withUnit(chart.second.title, text(series.x[i] * chart.second.factor), chart.second.unit));
    }
    if (!y.hidden) {
      const sign = { upper: "< ", lower: "> " }[series.limit] ?? "";
      const interval = series.low.length && Number.isFinite(series.low[i]) ? ` (${text(series.low[i])} to ${text(series.high[i])})` : "";
      lines.push(withUnit(y.title, `${sign}${series.y.length ? text(series.y[i]) : ""}${interval}`, y.unit));
    }
    if (series.value.length && Number.isFinite(series.value[i])) lines.push(withUnit(series.value_title, text(series.value[i]), ""));
    return lines;
  }
})();
