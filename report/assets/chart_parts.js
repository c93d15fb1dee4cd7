"use strict";
// The elements around the frame of a chart: title, legend, buttons, caption and the table of the same
// numbers; and what they download. cvzmpi.chartParts(chart) makes them and returns
// {frame, tip, drawKey(), say()}.

(() => {
  const { element } = cvzmpi;
  const ROWS = 500; // of a table at a time

  cvzmpi.chartParts = (chart) => {
    const id = (part) => `${chart.name}-${part}`;
    const title = element("p", { class: "chart-title" }, chart.title);
    const caption = element("figcaption", {}, chart.caption);
    if (chart.nothing) {
      chart.place.replaceChildren(element("figure", {}, title, element("p", { class: "chart-nothing" }, chart.nothing), caption));
      return { frame: null, tip: null, drawKey: () => {}, say: () => {} };
    }
    const hint = element("span", { id: id("hint"), class: "chart-hint" }, "Drag to zoom; or click, then wheel, + −, arrows, 0.");
    const tip = element("div", { class: "chart-tip", hidden: "" });
    const frame = element("div", { class: "chart-frame", tabindex: "0", role: "application", "aria-roledescription": "chart", "aria-label": `${chart.title}. ${chart.caption}`, "aria-describedby": id("hint") }, tip);
    const status = element("span", { class: "visually-hidden", role: "status" });
    const key = element("div", { class: "chart-key" });
    const button = (text, label, press) => {
      const made = element("button", { type: "button", "aria-label": `${text} (${label}): ${chart.title}`, title: label }, text);
      made.addEventListener("click", press);
      return made;
    };
    const tools = element("div", { class: "chart-tools" },
      button("+", "zoom in", () => chart.zoomBy(0.5)),
      button("−", "zoom out", () => chart.zoomBy(2)),
      button("All", "show all", () => chart.reset()),
      button("PNG", "download as picture", () => savePicture(chart)),
      button("CSV", "download as table", () => saveTable(chart)),
      hint);
    const details = element("details", {}, element("summary", {}, "Table"));
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(...tableOf(chart));
    });
    chart.place.replaceChildren(element("figure", {}, title, key, frame, tools, caption, details, status));
    const drawKey = () => fillKey(chart, key);
    drawKey();
    const say = () => { status.textContent = describedRange(chart); };
    return { frame, tip, drawKey, say };
  };

  function describedRange(chart) {
    const axes = ["x", "y"].filter((name) => !chart.axes[name].hidden);
    return axes.map((name) => `${chart.axes[name].title} ${chart.shown[name].map((value) => cvzmpi.numberText(value, 3)).join(" to ")} ${chart.axes[name].unit ?? ""}`).join("; ");
  }

  // ---- the legend: a button for each series, which hides it; and the scale of colours

  function fillKey(chart, key) {
    const parts = [];
    if (chart.series.filter((series) => series.name).length > 1) {
      for (const series of chart.series.filter((one) => one.name)) {
        const button = element("button", { type: "button", "aria-pressed": String(series.shown) }, sign(chart, series), series.name);
        button.addEventListener("click", () => {
          series.shown = !series.shown;
          button.setAttribute("aria-pressed", String(series.shown));
          chart.plot.redraw(false, false);
        });
        parts.push(button);
      }
    }
    const coloured = chart.series.find((series) => series.scale[1] > series.scale[0]);
    if (coloured) {
      const ends = scaleTexts(coloured).map((text) => element("span", {}, text));
      parts.push(element("span", { class: "chart-scale" }, `${coloured.value_title}${coloured.value_log ? " (log)" : ""}:`, ends[0], scaleBar(), ends[1]));
    }
    key.replaceChildren(...parts);
  }

  function scaleBar() {
    const canvas = element("canvas", { class: "chart-colours", "aria-hidden": "true", width: 120, height: 1 });
    drawScale(canvas.getContext("2d"), 0, 0, 1, 1);
    return canvas;
  }

  // 120 stripes from the least to the largest value.
  function drawScale(ctx, left, top, width, height) {
    for (let i = 0; i < 120; i += 1) {
      ctx.fillStyle = cvzmpi.scaleColour(i / 119);
      ctx.fillRect(left + i * width, top, width * 1.5, height);
    }
  }

  // The ends of a scale of colours; it may end before the values do.
  function scaleTexts(series) {
    const beyond = [series.value.some((value) => value < series.scale[0]), series.value.some((value) => value > series.scale[1])];
    return series.scale.map((value, end) => `${beyond[end] ? "≤≥"[end] : ""}${cvzmpi.numberText(value, 3)}`);
  }

  function sign(chart, series) {
    const ratio = uPlot.pxRatio;
    const canvas = element("canvas", { class: "chart-sign", "aria-hidden": "true", width: 26 * ratio, height: 16 * ratio });
    drawSignOn(canvas.getContext("2d"), series, ratio, 0, 0);
    return canvas;
  }

  function drawSignOn(ctx, series, k, left, top) {
    ctx.save();
    ctx.translate(left, top);
    cvzmpi.drawSign({ ctx, k, box: { left: 0, top: 0, width: 26 * k, height: 16 * k }, colour: (name) => cvzmpi.colour(name) || "#777777" }, series);
    ctx.restore();
  }

  // ---- the table of the same numbers

  function titled(axis) {
    return axis.unit ? `${axis.title} [${axis.unit}]` : axis.title;
  }

  // Single precision has seven digits.
  function exact(values, i) {
    const value = values[i];
    if (typeof value !== "number") return value ?? "";
    if (!Number.isFinite(value)) return "";
    return values instanceof Float32Array ? Number(value.toPrecision(7)) : value;
  }

  // Columns of a series: title, and the value of a row.
  function columnsOf(chart, series) {
    const columns = [];
    const edges = ["bars", "steps"].includes(series.kind) && series.x.length > series.y.length;
    const { x, y } = chart.axes;
    if (series.labels.length) columns.push(["Name", (i) => series.labels[i]]);
    for (const fact of series.facts) columns.push([titled(fact), (i) => exact(fact.values, i)]);
    if (!x.hidden) {
      if (x.words) columns.push([titled(x), (i) => x.words[series.x[i]] ?? exact(series.x, i)]);
      else columns.push([edges ? `${titled(x)} from` : titled(x), (i) => exact(series.x, i)]);
      if (edges) columns.push([`${titled(x)} to`, (i) => exact(series.x, i + 1)]);
      if (chart.second) columns.push([titled(chart.second), (i) => Number((series.x[i] * chart.second.factor).toPrecision(7))]);
    }
    const of = series.limit ? `${series.limit} limit of ` : "";
    if (!y.hidden && series.y.length) columns.push([`${of}${titled(y)}`, (i) => exact(series.y, i)]);
    if (series.low.length) columns.push([`${titled(y)} low`, (i) => exact(series.low, i)], [`${titled(y)} high`, (i) => exact(series.high, i)]);
    if (series.value.length) columns.push([series.value_title, (i) => exact(series.value, i)]);
    return columns;
  }

  // {titles, rows}: each point of each series; a column that a series does not have is empty there.
  cvzmpi.chartTable = (chart) => {
    const named = chart.series.length > 1;
    const titles = named ? ["Series"] : [];
    const of = chart.series.map((series) => new Map(columnsOf(chart, series)));
    for (const columns of of) for (const title of columns.keys()) if (!titles.includes(title)) titles.push(title);
    const rows = [];
    chart.series.forEach((series, number) => {
      if (!of[number].size || (series.faint && !series.name)) return; // lines of a map
      const values = titles.map((title) => of[number].get(title) ?? (() => (title === "Series" ? series.name : "")));
      const n = series.y.length || series.low.length;
      for (let i = 0; i < n; i += 1) {
        const drawn = Number.isFinite(series.x[i]) && Number.isFinite(series.y.length ? series.y[i] : series.low[i]);
        if (drawn) rows.push(values.map((value) => value(i)));
      }
    });
    return { titles, rows };
  };

  function tableOf(chart) {
    const { titles, rows } = cvzmpi.chartTable(chart);
    const isText = titles.map((_, i) => rows.some((row) => typeof row[i] === "string" && row[i] !== ""));
    const head = element("tr", {}, ...titles.map((title, i) => element("th", { scope: "col", class: isText[i] ? "text" : "number" }, title)));
    const body = element("tbody");
    const caption = element("caption", {}, `${chart.title}: ${chart.caption}`);
    const more = element("button", { type: "button" });
    const add = () => {
      const first = body.childElementCount;
      for (const row of rows.slice(first, first + ROWS)) {
        body.append(element("tr", {}, ...row.map((value, i) => element(i === 0 ? "th" : "td", { ...(i === 0 && { scope: "row" }), class: isText[i] ? "text" : "number" }, cellText(value)))));
      }
      const shown = body.childElementCount;
      more.textContent = `More rows (${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")})`;
      more.hidden = shown === rows.length;
    };
    more.addEventListener("click", add);
    add();
    const table = element("table", {}, caption, element("thead", {}, head), body);
    return [element("div", { class: "chart-table scroll", tabindex: "0", role: "region", "aria-label": `Table: ${chart.title}` }, table), more];
  }

  function cellText(value) {
    return typeof value === "number" ? cvzmpi.numberText(value, 7) : value;
  }

  // ---- downloads

  function saveTable(chart) {
    const { titles, rows } = cvzmpi.chartTable(chart);
    cvzmpi.download(`${chart.name}.csv`, cvzmpi.csvOf([titles, ...rows]), "text/csv");
  }

  // The chart as it is shown, with title and legend, large enough for a slide.
  async function savePicture(chart) {
    const k = 2;
    const width = 900;
    const height = chart.equal ? Math.round((width * chart.plot.height) / chart.plot.width) : 540;
    const plot = chart.newPlot(width * k, height * k, k);
    await new Promise((resolve) => { setTimeout(resolve); }); // uPlot draws after this turn
    const ratio = k * uPlot.pxRatio;
    const rows = legendRows(chart, plot.ctx, width, ratio);
    const top = 44 + 24 * rows.length;
    const canvas = element("canvas", { width: width * ratio, height: (top + height + 8) * ratio });
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = cvzmpi.colour("background") || "#ffffff";
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.fillStyle = cvzmpi.colour("text");
    ctx.font = `600 ${18 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    ctx.fillText(chart.title, 16 * ratio, 28 * ratio);
    rows.forEach((row, i) => row.forEach((item) => item(ctx, (40 + 24 * i) * ratio)));
    ctx.drawImage(plot.ctx.canvas, 0, top * ratio);
    plot.destroy();
    canvas.toBlob((blob) => cvzmpi.download(`${chart.name}.png`, blob, "image/png"), "image/png");
  }

  // Functions that draw the items of the legend, in rows no wider than the picture.
  function legendRows(chart, measure, width, k) {
    const rows = [[]];
    let left = 16 * k;
    const font = `${13 * k}px system-ui, "DejaVu Sans", sans-serif`;
    measure.font = font;
    const add = (length, draw) => {
      if (left + length > (width - 16) * k && rows.at(-1).length) {
        rows.push([]);
        left = 16 * k;
      }
      const at = left;
      rows.at(-1).push((ctx, top) => {
        ctx.font = font;
        ctx.fillStyle = cvzmpi.colour("text");
        draw(ctx, at, top);
      });
      left += length + 18 * k;
    };
    const named = chart.series.filter((series) => series.name && series.shown);
    if (chart.series.filter((series) => series.name).length > 1) {
      for (const series of named) {
        add(32 * k + measure.measureText(series.name).width, (ctx, at, top) => {
          ctx.fillText(series.name, at + 32 * k, top + 13 * k);
          drawSignOn(ctx, series, k, at, top);
        });
      }
    }
    const coloured = chart.series.find((series) => series.scale[1] > series.scale[0]);
    if (coloured) {
      const [low, high] = scaleTexts(coloured);
      const before = `${coloured.value_title}: ${low} `;
      const start = measure.measureText(before).width;
      add(start + 130 * k + measure.measureText(high).width, (ctx, at, top) => {
        ctx.fillText(before, at, top + 13 * k);
        drawScale(ctx, at + start, top + 2 * k, k, 13 * k);
        ctx.fillStyle = cvzmpi.colour("text");
        ctx.fillText(high, at + start + 127 * k, top + 13 * k);
      });
    }
    return rows[0].length ? rows : [];
  }
})();
