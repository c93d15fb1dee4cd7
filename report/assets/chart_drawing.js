"use strict";
// What is drawn in the frame of a chart: bands, bars, lines, error bars, arrows, points, marks.
// cvzmpi.drawSeries(pen, series) with pen = {ctx, k, x(value), y(value), box, colour(name)}:
// k is the size of a CSS pixel, x and y give places on the canvas, box is the frame.

(() => {
  const SHAPES = ["circle", "square", "triangle", "diamond", "plus", "cross"];
  const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
  // matplotlib's cividis at equal steps: dark blue to yellow, even for those who see no red or green
  const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];
  const CHANNELS = CIVIDIS.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));

  // Parts of the scale that can be told from the background: not its brightest end on white.
  const SEEN = { light: [0, 0.85], dark: [0.28, 1] };

  // The colour at a place from 0 to 1 of the scale.
  cvzmpi.scaleColour = (place) => {
    const [first, last] = SEEN[cvzmpi.theme()];
    const at = (first + Math.min(Math.max(place, 0), 1) * (last - first)) * (CHANNELS.length - 1);
    const below = Math.min(Math.floor(at), CHANNELS.length - 2);
    const mixed = CHANNELS[below].map((channel, i) => Math.round(channel + (at - below) * (CHANNELS[below + 1][i] - channel)));
    return `rgb(${mixed.join(",")})`;
  };

  // Where a value of a series is on its scale of colours; NaN where it has none.
  cvzmpi.scalePlace = (series, value) => {
    const [low, high] = series.scale;
    if (!(high > low)) return Number.isFinite(value) ? 0.5 : NaN;
    return series.value_log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  };

  cvzmpi.drawSeries = (pen, series) => {
    pen.ctx.save();
    pen.ctx.lineJoin = "round";
    const draw = { band: drawBand, bars: drawBars, steps: drawSteps, line: drawLine, points: drawPoints }[series.kind];
    draw(pen, series, pen.colour(series.colour));
    pen.ctx.restore();
  };

  function drawBand({ ctx, x, y, k }, series, colour) {
    ctx.fillStyle = colour;
    ctx.globalAlpha = 0.25;
    for (const [first, last] of pieces(series, series.low)) {
      ctx.beginPath();
      for (let i = first; i <= last; i += 1) ctx.lineTo(x(series.x[i]), y(series.high[i]));
      for (let i = last; i >= first; i -= 1) ctx.lineTo(x(series.x[i]), y(series.low[i]));
      ctx.closePath();
      ctx.fill();
    }
    if (series.y.length) {
      ctx.globalAlpha = 1;
      drawLine({ ctx, x, y, k }, series, colour);
    }
  }

  // Stretches of points, first and last, that nothing interrupts.
  function pieces(series, values) {
    const found = [];
    let first = null;
    for (let i = 0; i <= values.length; i += 1) {
      const drawn = i < values.length && Number.isFinite(values[i]) && Number.isFinite(series.x[i]);
      if (drawn && first === null) first = i;
      if (!drawn && first !== null) {
        found.push([first, i - 1]);
        first = null;
      }
    }
    return found;
  }

  function drawLine({ ctx, x, y, k }, series, colour) {
    ctx.lineWidth = (series.faint ? 1.2 : 2) * k;
    ctx.globalAlpha = series.faint ? 0.7 : 1;
    ctx.setLineDash((series.dashed ? DASHES[1] : DASHES[series.dash ?? 0]).map((length) => length * k));
    for (const [first, last] of pieces(series, series.y)) {
      const coloured = series.value.length && Number.isFinite(series.value[first]);
      ctx.strokeStyle = coloured ? cvzmpi.scaleColour(cvzmpi.scalePlace(series, series.value[first])) : colour;
      ctx.beginPath();
      for (let i = first; i <= last; i += 1) ctx.lineTo(x(series.x[i]), y(series.y[i]));
      ctx.stroke();
      if (first === last) {
        ctx.fillStyle = ctx.strokeStyle;
        shape(ctx, "circle", x(series.x[first]), y(series.y[first]), 2 * k);
      }
    }
    ctx.setLineDash([]);
  }

  // Left and right end of a bar: the edges of its bin, or 0.36 to both sides of its position.
  cvzmpi.barEnds = (series, i) => (series.x.length > series.y.length ? [series.x[i], series.x[i + 1]] : [series.x[i] - 0.36, series.x[i] + 0.36]);

  function drawBars(pen, series, colour) {
    const { ctx, x, y, k, box } = pen;
    const ground = pen.ground ?? box.top + box.height;
    for (let i = 0; i < series.y.length; i += 1) {
      if (!Number.isFinite(series.y[i])) continue;
      const [left, right] = cvzmpi.barEnds(series, i).map(x);
      const top = y(series.y[i]);
      ctx.fillStyle = colour;
      ctx.globalAlpha = 0.55;
      ctx.fillRect(left, top, right - left, ground - top);
      ctx.globalAlpha = 1;
      ctx.strokeStyle = colour;
      ctx.lineWidth = k;
      if (series.y[i] !== 0) ctx.strokeRect(left, top, right - left, ground - top);
    }
    drawErrors(pen, series, pen.colour("text"), (i) => (x(cvzmpi.barEnds(series, i)[0]) + x(cvzmpi.barEnds(series, i)[1])) / 2);
  }

  function drawSteps({ ctx, x, y, k, box }, series, colour) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = 2 * k;
    ctx.setLineDash((series.dashed ? DASHES[1] : DASHES[series.dash ?? 0]).map((length) => length * k));
    ctx.beginPath();
    ctx.moveTo(x(cvzmpi.barEnds(series, 0)[0]), box.top + box.height);
    for (let i = 0; i < series.y.length; i += 1) {
      const [left, right] = cvzmpi.barEnds(series, i).map(x);
      ctx.lineTo(left, y(series.y[i]));
      ctx.lineTo(right, y(series.y[i]));
    }
    ctx.lineTo(x(cvzmpi.barEnds(series, series.y.length - 1)[1]), box.top + box.height);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  function drawErrors({ ctx, y, k }, series, colour, at) {
    if (!series.low.length) return;
    ctx.strokeStyle = colour;
    ctx.lineWidth = k;
    ctx.beginPath();
    for (let i = 0; i < series.y.length; i += 1) {
      if (!Number.isFinite(series.y[i]) || !Number.isFinite(series.low[i]) || !Number.isFinite(series.high[i])) continue;
      const place = at(i);
      ctx.moveTo(place, y(series.low[i]));
      ctx.lineTo(place, y(series.high[i]));
    }
    ctx.stroke();
  }

  function drawPoints(pen, series, colour) {
    const { ctx, x, y, k, box } = pen;
    const n = series.y.length;
    const crowded = n > 1 && series.crowd > 3000;
    const radius = sizeOf(n > 1 ? series.crowd : 1, series.faint) * k;
    ctx.globalAlpha = crowded ? 0.35 : 0.7;
    drawErrors(pen, series, colour, (i) => x(series.x[i]));
    ctx.globalAlpha = crowded ? (series.limit ? 0.3 : 0.7) : series.faint ? 0.6 : 1;
    const outline = pen.colour("text");
    const kind = series.limit ? `${series.limit} limit` : SHAPES[(series.shape ?? 0) % SHAPES.length];
    ctx.fillStyle = ctx.strokeStyle = colour;
    ctx.lineWidth = 1.5 * k;
    for (let i = 0; i < n; i += 1) {
      const [left, top] = [x(series.x[i]), y(series.y[i])];
      if (!Number.isFinite(left) || !Number.isFinite(top)) continue;
      if (left < box.left - radius || left > box.left + box.width + radius || top < box.top - radius || top > box.top + box.height + radius) continue;
      if (series.value.length) {
        const place = cvzmpi.scalePlace(series, series.value[i]);
        ctx.fillStyle = Number.isFinite(place) ? cvzmpi.scaleColour(place) : "transparent";
        ctx.strokeStyle = Number.isFinite(place) ? ctx.fillStyle : outline;
      }
      shape(ctx, kind, left, top, radius, k);
      if (series.value.length && !crowded) {
        ctx.strokeStyle = outline;
        ctx.lineWidth = 0.6 * k;
        ctx.beginPath();
        path(ctx, kind, left, top, radius);
        ctx.stroke();
      }
    }
  }

  function sizeOf(n, faint) {
    const size = n > 10000 ? 1.6 : n > 3000 ? 2.2 : n > 300 ? 3 : 4;
    return faint ? Math.min(size, 2.5) : size;
  }

  function shape(ctx, kind, left, top, radius, k = 1) {
    ctx.beginPath();
    path(ctx, kind, left, top, radius, k);
    if (kind === "plus" || kind === "cross" || kind.endsWith("limit")) ctx.stroke();
    if (kind !== "plus" && kind !== "cross") ctx.fill();
  }

  function path(ctx, kind, left, top, r, k = 1) {
    if (kind === "circle") ctx.arc(left, top, r, 0, 2 * Math.PI);
    else if (kind === "square") ctx.rect(left - r * 0.9, top - r * 0.9, 1.8 * r, 1.8 * r);
    else if (kind === "triangle") polygon(ctx, [[left, top - 1.2 * r], [left + 1.1 * r, top + 0.9 * r], [left - 1.1 * r, top + 0.9 * r]]);
    else if (kind === "diamond") polygon(ctx, [[left, top - 1.3 * r], [left + 1.3 * r, top], [left, top + 1.3 * r], [left - 1.3 * r, top]]);
    else if (kind === "plus") strokes(ctx, [[left - 1.2 * r, top, left + 1.2 * r, top], [left, top - 1.2 * r, left, top + 1.2 * r]]);
    else if (kind === "cross") strokes(ctx, [[left - r, top - r, left + r, top + r], [left - r, top + r, left + r, top - r]]);
    else {
      const down = kind === "lower limit" ? -1 : 1;
      const length = 2 * r + 4 * k;
      strokes(ctx, [[left - r, top, left + r, top], [left, top, left, top + down * length]]);
      polygon(ctx, [[left, top + down * (length + r)], [left + 0.8 * r, top + down * (length - 0.4 * r)], [left - 0.8 * r, top + down * (length - 0.4 * r)]]);
    }
  }

  function polygon(ctx, corners) {
    ctx.moveTo(...corners[0]);
    for (const corner of corners.slice(1)) ctx.lineTo(...corner);
    ctx.closePath();
  }

  function strokes(ctx, ends) {
    for (const [x0, y0, x1, y1] of ends) {
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
    }
  }

  // A line across the chart, or the stretch from it to `until`.
  cvzmpi.drawMark = (pen, mark, font, level) => {
    const { ctx, k, box } = pen;
    const across = mark.axis === "x";
    const ends = across ? [box.left, box.left + box.width] : [box.top + box.height, box.top];
    const place = (value, end) => (value === null ? end : (across ? pen.x : pen.y)(value));
    const from = place(mark.value, ends[0]);
    ctx.save();
    if (mark.until !== undefined) {
      const to = place(mark.until, ends[1]);
      ctx.fillStyle = pen.colour("left-out");
      ctx.globalAlpha = 0.15;
      if (across) ctx.fillRect(from, box.top, to - from, box.height);
      else ctx.fillRect(box.left, from, box.width, to - from);
    } else {
      ctx.strokeStyle = pen.colour("muted");
      ctx.lineWidth = 1.2 * k;
      ctx.setLineDash([5 * k, 4 * k]);
      ctx.beginPath();
      if (across) strokes(ctx, [[from, box.top, from, box.top + box.height]]);
      else strokes(ctx, [[box.left, from, box.left + box.width, from]]);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
    ctx.font = font;
    ctx.textAlign = "left"; // uPlot leaves its own
    ctx.textBaseline = "alphabetic";
    const width = ctx.measureText(mark.words).width;
    const right = box.left + box.width - width - 6 * k;
    const start = mark.until === undefined ? from : Math.min(from, place(mark.until, ends[1]));
    const left = across ? Math.max(box.left + 5 * k, start + 5 * k) : right;
    const fits = left <= right ? left : mark.until === undefined ? Math.max(box.left, from - width - 5 * k) : Math.max(box.left + 5 * k, right);
    const top = across ? box.top + (14 + 15 * level) * k : from - 5 * k;
    ctx.lineJoin = "round";
    ctx.lineWidth = 4 * k;
    ctx.strokeStyle = pen.colour("background");
    ctx.strokeText(mark.words, fits, top);
    ctx.fillStyle = pen.colour("muted");
    ctx.fillText(mark.words, fits, top);
    ctx.restore();
  };

  // The sign of a series in the legend, on a canvas of its own.
  cvzmpi.drawSign = (pen, series) => {
    const { width, height } = pen.box;
    const sign = { ...series, x: [width / 2], y: [height / 2], low: [], high: [], value: [], faint: false };
    if (series.value.length && series.scale[1] > series.scale[0]) Object.assign(sign, { scale: [0, 2], value_log: false, value: [1] });
    if (series.kind === "band") Object.assign(sign, { x: [0, width], low: [height * 0.15, height * 0.15], high: [height * 0.85, height * 0.85], y: series.y.length ? [height / 2, height / 2] : [] });
    else if (series.kind === "bars") Object.assign(sign, { x: [width * 0.25, width * 0.75], y: [2] });
    else if (series.kind !== "points") Object.assign(sign, { kind: "line", x: [0, width], y: [height / 2, height / 2] });
    else if (series.limit) sign.y = [height * (series.limit === "upper" ? 0.08 : 0.92)];
    cvzmpi.drawSeries({ ...pen, x: (value) => value, y: (value) => value }, sign);
  };
})();
