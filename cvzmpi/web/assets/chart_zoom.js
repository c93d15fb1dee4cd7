"use strict";
// What a reader does with a chart: zoom by dragging, wheel, pinch and keys; values under the pointer.
// cvzmpi.chartZoom(chart) listens for it.

(() => {
  const NEAR = 28; // pixels within which a point is meant
  const CLICK = 4; // pixels below which a drag is a click

  cvzmpi.chartZoom = (chart) => {
    const { frame, tip } = chart.parts;
    const { over } = chart.plot;
    const select = over.appendChild(document.createElement("div"));
    select.className = "chart-select";
    select.hidden = true;
    const pointers = new Map();
    let drag = null;

    const at = (event) => {
      const box = over.getBoundingClientRect();
      return { left: event.clientX - box.left, top: event.clientY - box.top, width: box.width, height: box.height };
    };

    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== frame) return;
      const moves = {
        "+": () => chart.zoomBy(0.7),
        "=": () => chart.zoomBy(0.7),
        "-": () => chart.zoomBy(1 / 0.7),
        ArrowLeft: () => chart.pan(-0.2, 0),
        ArrowRight: () => chart.pan(0.2, 0),
        ArrowUp: () => chart.pan(0, 0.2),
        ArrowDown: () => chart.pan(0, -0.2),
        0: () => chart.reset(),
        Home: () => chart.reset(),
        Escape: () => hideTip(),
      };
      if (!(event.key in moves)) return;
      event.preventDefault();
      moves[event.key]();
    });

    // The page scrolls unless the chart was chosen: it has the focus, or Ctrl is held.
    over.addEventListener("wheel", (event) => {
      if (document.activeElement !== frame && !event.ctrlKey) return;
      event.preventDefault();
      const { left, top, width, height } = at(event);
      chart.zoomBy(1.0015 ** event.deltaY, along(left / width, 1 - top / height));
    }, { passive: false });

    // Shares of the frame as shares of the axes.
    function along(right, up) {
      return { x: chart.axes.x.reversed ? 1 - right : right, y: chart.axes.y.reversed ? 1 - up : up };
    }

    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
      drag = { start: at(event), moved: false, pinched: pointers.size > 1 };
      if (event.pointerType === "mouse") frame.focus({ preventScroll: true });
    });

    over.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        showTip(now);
        return;
      }
      if (Math.hypot(now.left - drag.start.left, now.top - drag.start.top) > CLICK) drag.moved = true;
      if (pointers.size === 2) pinch(event.pointerId, before, now);
      else if (event.pointerType === "mouse" && !event.shiftKey) stretch(now);
      else chart.pan((before.left - now.left) / now.width, (now.top - before.top) / now.height);
      pointers.set(event.pointerId, now);
      if (drag.moved) hideTip();
    });

    function pinch(id, before, now) {
      const other = [...pointers].find(([key]) => key !== id)[1];
      const distance = (place) => Math.hypot(place.left - other.left, place.top - other.top);
      const middle = along((now.left + other.left) / 2 / now.width, 1 - (now.top + other.top) / 2 / now.height);
      chart.zoomBy(distance(before) / Math.max(distance(now), 1), middle);
    }

    // The rectangle that is drawn while the mouse moves; all of an axis along which it hardly moved.
    function rectangle(now) {
      const clamp = (value, most) => Math.min(Math.max(value, 0), most);
      const ends = (name, most) => [drag.start[name], clamp(now[name], most)].sort((a, b) => a - b);
      let [left, right] = ends("left", now.width);
      let [top, bottom] = ends("top", now.height);
      const [wide, high] = [right - left, bottom - top];
      if (high < 20 && wide > high) [top, bottom] = [0, now.height];
      else if (wide < 20 && high > wide) [left, right] = [0, now.width];
      return { left, right, top, bottom };
    }

    function stretch(now) {
      const { left, right, top, bottom } = rectangle(now);
      select.hidden = !drag.moved;
      Object.assign(select.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    }

    over.addEventListener("pointerup", (event) => {
      if (!pointers.delete(event.pointerId)) return;
      const now = at(event);
      if (!drag.moved && !drag.pinched) click(event, now);
      else if (!select.hidden) {
        const { left, right, top, bottom } = rectangle(now);
        const values = (name, ends) => ends.map((end) => chart.plot.posToVal(end, name)).sort((a, b) => a - b);
        chart.zoomTo({ x: values("x", [left, right]), y: values("y", [top, bottom]) });
      }
      select.hidden = true;
    });

    over.addEventListener("pointercancel", (event) => {
      pointers.delete(event.pointerId);
      select.hidden = true;
    });
    over.addEventListener("dblclick", () => chart.reset());
    over.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") hideTip();
    });

    function click(event, now) {
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
