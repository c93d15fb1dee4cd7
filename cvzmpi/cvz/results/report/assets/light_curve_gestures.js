"use strict";
// What a reader does with a light curve: keys, wheel, drag and pinch. parts.listen(view) listens for it.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const CLICK = 4; // pixels below which a drag is a click

  parts.listen = (view) => {
    const { frame } = view;
    const keys = {
      "+": () => view.zoomBy(0.5),
      "=": () => view.zoomBy(0.5),
      "-": () => view.zoomBy(2),
      0: () => view.showAll(),
      Home: () => view.showAll(),
      n: () => view.step(1),
      p: () => view.step(-1),
    };
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const act = direction ? () => (event.shiftKey ? view.stepCadence(direction) : view.pan(0.25 * direction)) : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    for (const plot of [view.upper, view.below]) listen(view, plot);
  };

  function listen(view, plot) {
    const { over } = plot;
    const stretch = parts.element("div", { class: "light-curve-stretch", hidden: true });
    over.append(stretch);
    const pointers = new Map(); // places by pointer
    let drag = null;
    const at = (event) => event.clientX - over.getBoundingClientRect().left;
    const timeAt = (place) => view.shown[0] + (place / over.clientWidth) * (view.shown[1] - view.shown[0]);

    // The page scrolls unless the light curve was chosen: it has the focus, or Ctrl is held.
    over.addEventListener("wheel", (event) => {
      if (document.activeElement !== view.frame && !event.ctrlKey) return;
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(event.deltaX / over.clientWidth);
      else view.zoomBy(1.0015 ** event.deltaY, timeAt(at(event)));
    }, { passive: false });

    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (event.pointerType === "mouse") view.frame.focus({ preventScroll: true });
      over.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
      drag = { start: at(event), moved: false, pinched: pointers.size > 1 };
    });

    over.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) return;
      const [before, now] = [pointers.get(event.pointerId), at(event)];
      if (Math.abs(now - drag.start) > CLICK) drag.moved = true;
      if (pointers.size === 2) pinch(event.pointerId, before, now);
      else if (event.pointerType === "mouse" && !event.shiftKey) mark(now);
      else view.pan((before - now) / over.clientWidth);
      pointers.set(event.pointerId, now);
    });

    function pinch(id, before, now) {
      drag.pinched = true;
      const other = [...pointers].find(([key]) => key !== id)[1];
      const distance = (place) => Math.max(8, Math.abs(place - other));
      view.zoomBy(distance(before) / distance(now), timeAt((now + other) / 2));
    }

    function ends(now) {
      return [drag.start, Math.min(Math.max(now, 0), over.clientWidth)].sort((a, b) => a - b);
    }

    function mark(now) {
      const [left, right] = ends(now);
      stretch.hidden = !drag.moved;
      Object.assign(stretch.style, { left: `${left}px`, width: `${right - left}px` });
    }

    over.addEventListener("pointerup", (event) => {
      if (!pointers.delete(event.pointerId)) return;
      if (!stretch.hidden) view.show(...ends(at(event)).map(timeAt));
      else if (!drag.moved && !drag.pinched) {
        const place = at(event);
        view.select(parts.flareBetween(view.curve, timeAt(place - CLICK), timeAt(place + CLICK)));
      }
      stretch.hidden = true;
      view.redraw();
    });
    over.addEventListener("pointercancel", (event) => {
      pointers.delete(event.pointerId);
      stretch.hidden = true;
    });
  }
})();
