"use strict";
// How a light curve is drawn on the canvas of uPlot, which draws the axes: points, model, flares.
//
// Zoomed out, each column of pixels has a bar from the lowest to the highest searched cadence in it,
// and each cadence of a flare is a point on top: nothing that was searched is hidden. Zoomed in,
// each cadence is a point, and at last has its error bar.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const POINTS_PER_PIXEL = 1.5; // more are drawn as bars
  const PIXELS_FOR_ERRORS = 5; // of one cadence
  const GAP = 30; // exposures over which no line is drawn
  const MARK = 5; // half the size of the sign of a flare
  const RELIABLE = 0.9;
  const DOUBTFUL = 0.5;
  const SEARCHED = 0;

  // Where a plot has its pixels, and the measured cadences that it shows, from `first` up to before `end`.
  function frameOf(u, curve) {
    const { left, top, width, height } = u.bbox;
    const [x, y] = [u.scales.x, u.scales.y];
    const first = Math.max(0, parts.firstAtOrAfter(curve.time, x.min) - 1);
    const end = Math.min(curve.length, parts.firstAtOrAfter(curve.time, x.max) + 1);
    const pixel = u.ctx.canvas.width / u.width;
    return {
      left, top, width, height, first, end, pixel,
      crowded: (end - first) * pixel > POINTS_PER_PIXEL * width,
      cadence: (curve.data.exposure / (x.max - x.min)) * width / pixel,
      x: (time) => left + ((time - x.min) / (x.max - x.min)) * width,
      y: (value) => top + height - ((value - y.min) / (y.max - y.min)) * height,
    };
  }

  // Draw within the frame only.
  function clipped(u, draw) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(ctx);
    ctx.restore();
  }

  // Beneath everything: stretches that were not searched, and the spans of the flares.
  parts.drawBeneath = (u, curve, selected) => {
    const frame = frameOf(u, curve);
    clipped(u, (ctx) => {
      ctx.fillStyle = cvzmpi.colour("left-out");
      ctx.globalAlpha = 0.16;
      for (const [from, to] of notSearched(curve)) {
        const [start, stop] = [Math.max(frame.x(from), frame.left - 1), Math.min(frame.x(to), frame.left + frame.width + 1)];
        if (stop - start >= 1.5 * frame.pixel) ctx.fillRect(start, frame.top, stop - start, frame.height);
      }
      ctx.globalAlpha = 1;
      for (const flare of curve.flares) drawSpan(ctx, frame, flare, flare === selected);
    });
  };

  // Stretches between searched cadences that do not follow one another.
  function notSearched(curve) {
    if (curve.notSearched) return curve.notSearched;
    const { exposure } = curve.data;
    const found = [];
    let last = -Infinity;
    curve.time.forEach((time, i) => {
      if (curve.state[i] !== SEARCHED) return;
      if (time - last > 1.5 * exposure) found.push([last + exposure / 2, time - exposure / 2]);
      last = time;
    });
    found.push([last + exposure / 2, Infinity]);
    curve.notSearched = found;
    return found;
  }

  function drawSpan(ctx, frame, flare, selected) {
    const start = frame.x(flare.from);
    const width = Math.max(frame.x(flare.to) - start, frame.pixel);
    ctx.fillStyle = cvzmpi.colour("flare");
    ctx.globalAlpha = selected ? 0.3 : 0.14;
    ctx.fillRect(start, frame.top, width, frame.height);
    ctx.globalAlpha = 1;
    if (selected || width > 6 * frame.pixel) {
      ctx.strokeStyle = cvzmpi.colour("flare");
      ctx.lineWidth = frame.pixel;
      ctx.setLineDash(isDoubtful(flare) ? [3 * frame.pixel, 3 * frame.pixel] : []);
      ctx.strokeRect(start, frame.top - frame.pixel, width, frame.height + 2 * frame.pixel);
      ctx.setLineDash([]);
    }
  }

  function isDoubtful(flare) {
    return flare.reliability !== null && flare.reliability < DOUBTFUL;
  }

  // The points of one quantity, with error bars where there are some and room for them.
  parts.drawPoints = (u, curve, values, errors) => {
    const frame = frameOf(u, curve);
    clipped(u, (ctx) => {
      if (frame.crowded) drawBars(ctx, frame, curve, values);
      else drawSingles(ctx, frame, curve, values, frame.cadence >= PIXELS_FOR_ERRORS ? errors : null);
      drawOutside(ctx, frame, curve, values);
    });
  };

  function drawBars(ctx, frame, curve, values) {
    for (const [searched, colour] of [[false, "muted"], [true, "data"]]) {
      ctx.fillStyle = cvzmpi.colour(colour);
      ctx.globalAlpha = searched ? 1 : 0.5;
      eachColumn(frame, curve, (i) => (curve.state[i] === SEARCHED) === searched, values, values, (column, low, high) => {
        const top = frame.y(high) - 0.75 * frame.pixel;
        ctx.fillRect(column, top, 1, frame.y(low) + 0.75 * frame.pixel - top);
      });
    }
    ctx.globalAlpha = 1;
    ctx.fillStyle = cvzmpi.colour("flare");
    const size = 2.6 * frame.pixel;
    for (let i = frame.first; i < frame.end; i += 1) {
      if (curve.flaring[i] && !Number.isNaN(values[i])) ctx.fillRect(frame.x(curve.time[i]) - size / 2, frame.y(values[i]) - size / 2, size, size);
    }
  }

  // Call with each column of pixels, and the lowest of `lows` and the highest of `highs` among the chosen cadences in it.
  function eachColumn(frame, curve, chosen, lows, highs, call) {
    let [column, low, high] = [NaN, Infinity, -Infinity];
    for (let i = frame.first; i < frame.end; i += 1) {
      if (!chosen(i) || Number.isNaN(lows[i])) continue;
      const x = Math.floor(frame.x(curve.time[i]));
      if (x !== column) {
        if (high >= low) call(column, low, high);
        [column, low, high] = [x, Infinity, -Infinity];
      }
      if (lows[i] < low) low = lows[i];
      if (highs[i] > high) high = highs[i];
    }
    if (high >= low) call(column, low, high);
  }

  function drawSingles(ctx, frame, curve, values, errors) {
    const size = Math.min(2.8, Math.max(1.3, frame.cadence / 2)) * frame.pixel;
    ctx.lineWidth = frame.pixel;
    for (let i = frame.first; i < frame.end; i += 1) {
      if (Number.isNaN(values[i])) continue;
      const [x, y] = [frame.x(curve.time[i]), frame.y(values[i])];
      const colour = cvzmpi.colour(curve.state[i] !== SEARCHED ? "muted" : curve.flaring[i] ? "flare" : "data");
      ctx.strokeStyle = ctx.fillStyle = colour;
      if (errors) line(ctx, x, frame.y(values[i] - errors[i]), x, frame.y(values[i] + errors[i]));
      if (curve.state[i] === SEARCHED) {
        ctx.beginPath();
        ctx.arc(x, y, size, 0, 2 * Math.PI);
        ctx.fill();
      } else {
        line(ctx, x - size, y - size, x + size, y + size);
        line(ctx, x - size, y + size, x + size, y - size);
      }
    }
  }

  function line(ctx, x1, y1, x2, y2) {
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
  }

  // Arrows at the edge for cadences that were not searched and are above or below what is shown.
  function drawOutside(ctx, frame, curve, values) {
    ctx.fillStyle = cvzmpi.colour("muted");
    const last = { true: -Infinity, false: -Infinity }; // where the last one is, above and below
    for (let i = frame.first; i < frame.end; i += 1) {
      const y = frame.y(values[i]);
      const above = y < frame.top;
      if (!above && !(y > frame.top + frame.height)) continue;
      const [x, tip] = [frame.x(curve.time[i]), above ? frame.top : frame.top + frame.height];
      if (x - last[above] < 7 * frame.pixel) continue;
      last[above] = x;
      triangle(ctx, x, tip + (above ? 1 : -1) * 3.5 * frame.pixel, 3.5 * frame.pixel, above ? 1 : -1);
      ctx.fill();
    }
  }

  // Mean and standard deviation of the Gaussian process, broken where the light curve is.
  parts.drawModel = (u, curve) => {
    const frame = frameOf(u, curve);
    const { mean, sd } = curve;
    const { low, high } = (curve.band ??= { low: mean.map((value, i) => value - sd[i]), high: mean.map((value, i) => value + sd[i]) });
    clipped(u, (ctx) => {
      ctx.fillStyle = cvzmpi.colour("band");
      ctx.strokeStyle = cvzmpi.colour("model");
      ctx.lineWidth = 1.4 * frame.pixel;
      ctx.globalAlpha = 0.35;
      if (frame.crowded) {
        eachColumn(frame, curve, () => true, low, high, (column, lowest, highest) => {
          ctx.fillRect(column, frame.y(highest), 1, frame.y(lowest) - frame.y(highest));
        });
      } else fillBetween(ctx, frame, curve, low, high);
      ctx.globalAlpha = 1;
      ctx.beginPath();
      let [last, column] = [-Infinity, NaN];
      for (let i = frame.first; i < frame.end; i += 1) {
        const x = frame.x(curve.time[i]);
        const broken = curve.time[i] - last > GAP * curve.data.exposure;
        last = curve.time[i];
        if (broken) ctx.moveTo(x, frame.y(mean[i]));
        else if (!frame.crowded || Math.floor(2 * x) !== column) ctx.lineTo(x, frame.y(mean[i]));
        column = Math.floor(2 * x);
      }
      ctx.stroke();
    });
  };

  function fillBetween(ctx, frame, curve, low, high) {
    let start = frame.first;
    for (let i = frame.first + 1; i <= frame.end; i += 1) {
      if (i < frame.end && curve.time[i] - curve.time[i - 1] <= GAP * curve.data.exposure) continue;
      ctx.beginPath();
      for (let k = start; k < i; k += 1) ctx.lineTo(frame.x(curve.time[k]), frame.y(high[k]));
      for (let k = i - 1; k >= start; k -= 1) ctx.lineTo(frame.x(curve.time[k]), frame.y(low[k]));
      ctx.fill();
      start = i;
    }
  }

  // A horizontal line, dashed.
  parts.drawLevel = (u, curve, value) => {
    const frame = frameOf(u, curve);
    clipped(u, (ctx) => {
      ctx.strokeStyle = cvzmpi.colour("muted");
      ctx.lineWidth = frame.pixel;
      ctx.setLineDash([5 * frame.pixel, 4 * frame.pixel]);
      line(ctx, frame.left, frame.y(value), frame.left + frame.width, frame.y(value));
      ctx.setLineDash([]);
    });
  };

  // A sign above each flare: its shape tells the search, its filling the reliability; numbers where there is room.
  parts.drawSigns = (u, curve, selected) => {
    const frame = frameOf(u, curve);
    const y = frame.top + (MARK + 4) * frame.pixel;
    let free = -Infinity;
    clipped(u, (ctx) => {
      ctx.font = `${11 * frame.pixel}px system-ui, sans-serif`;
      ctx.textBaseline = "middle";
      ctx.textAlign = "left";
      for (const flare of curve.flares) {
        const x = frame.x(flare.peak_time);
        if (x < frame.left - 99 || x > frame.left + frame.width + 99) continue;
        parts.drawSign(ctx, x, y, flare, frame.pixel, flare === selected);
        const text = String(flare.number);
        const start = x + (MARK + 4) * frame.pixel;
        const next = curve.flares[flare.number];
        const room = next ? frame.x(next.peak_time) - x : Infinity;
        if (x >= frame.left && start > free && room > ctx.measureText(text).width + 4 * MARK * frame.pixel) {
          ctx.fillStyle = cvzmpi.colour("text");
          ctx.fillText(text, start, y);
          free = start + ctx.measureText(text).width;
        }
      }
    });
  };

  // Diamond: both searches; triangle: significance; circle: stella. Filled: reliable; half: less so; hollow: doubtful.
  parts.drawSign = (ctx, x, y, flare, pixel, selected) => {
    const size = (selected ? 1.5 : 1) * MARK * pixel;
    ctx.fillStyle = ctx.strokeStyle = cvzmpi.colour("flare");
    ctx.lineWidth = 1.5 * pixel;
    if (flare.found_by === "significance") triangle(ctx, x, y, size, 1);
    else if (flare.found_by === "stella") {
      ctx.beginPath();
      ctx.arc(x, y, 0.9 * size, 0, 2 * Math.PI);
    } else {
      ctx.beginPath();
      for (const [dx, dy] of [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]]) ctx.lineTo(x + dx * size, y + dy * size);
      ctx.closePath();
    }
    const known = flare.reliability !== null;
    if (!known || flare.reliability >= RELIABLE) ctx.fill();
    else if (flare.reliability >= DOUBTFUL) {
      ctx.save();
      ctx.clip();
      ctx.fillRect(x - 2 * size, y, 4 * size, 2 * size);
      ctx.restore();
    }
    ctx.stroke();
  };

  function triangle(ctx, x, y, size, up) {
    ctx.beginPath();
    for (const [dx, dy] of [[0, -1], [1, 0.9], [-1, 0.9]]) ctx.lineTo(x + dx * size, y + up * dy * size);
    ctx.closePath();
  }
})();
