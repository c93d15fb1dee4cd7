"use strict";
// Zooming by mouse, wheel, fingers and keys, the same for all that zooms. cvzmpi.listenToKeys(element, acts)
// calls acts[key](event); cvzmpi.listenToPointers(over, view) listens on the part of a picture that is drawn on.
//
// A view has
//   chosen(): the reader means the picture, so that the wheel zooms; the page scrolls otherwise;
//   choose(): a mouse button was pressed on it;
//   axes: "xy", or "x" where it zooms along x only;
//   zoomBy(factor, place), below 1: nearer; pan(right, up), in widths and heights; reset();
//   zoomTo({left, right, top, bottom}), in pixels;
//   and where it wants them: click(place, event), hover(place), drag(), leave().
// A place is {left, top, width, height}: pixels, and the size of `over`.

(() => {
  const CLICK = 4; // pixels below which a drag is a click
  const SLIM = 20; // pixels below which a drag is along one axis
  const PER_PIXEL = 1.0022; // of the wheel: a quarter for a usual notch

  // With Ctrl, Alt or Meta, a key is the browser's.
  cvzmpi.listenToKeys = (element, acts) => {
    element.addEventListener("keydown", (event) => {
      const key = event.key === "=" ? "+" : event.key; // plus without Shift
      if (event.ctrlKey || event.metaKey || event.altKey || !(key in acts)) return;
      event.preventDefault();
      acts[key](event);
    });
  };

  cvzmpi.listenToPointers = (over, view) => {
    const stretch = over.appendChild(document.createElement("div"));
    stretch.className = "zoom-stretch";
    stretch.hidden = true;
    const pointers = new Map(); // places of those that are down, by their id
    let drag = null;

    const at = (event) => {
      const box = over.getBoundingClientRect();
      return { left: event.clientX - box.left, top: event.clientY - box.top, width: box.width, height: box.height };
    };

    over.addEventListener("wheel", (event) => {
      if (!view.chosen() && !event.ctrlKey) return;
      event.preventDefault();
      const place = at(event);
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) view.pan(event.deltaX / place.width, 0);
      else view.zoomBy(PER_PIXEL ** event.deltaY, place);
    }, { passive: false });

    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
      drag = { start: at(event), moved: false, pinched: pointers.size > 1 };
      if (event.pointerType === "mouse") view.choose();
    });

    over.addEventListener("pointermove", (event) => {
      const now = at(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        view.hover?.(now);
        return;
      }
      if (distance(now, drag.start) > CLICK) drag.moved = true;
      if (pointers.size === 2) pinch(event.pointerId, before, now);
      else if (event.pointerType === "mouse" && !event.shiftKey) mark(now);
      else view.pan((before.left - now.left) / now.width, (now.top - before.top) / now.height);
      pointers.set(event.pointerId, now);
      if (drag.moved) view.drag?.();
    });

    function distance(a, b) {
      return view.axes === "x" ? Math.abs(a.left - b.left) : Math.hypot(a.left - b.left, a.top - b.top);
    }

    function pinch(id, before, now) {
      drag.pinched = true;
      const other = [...pointers].find(([key]) => key !== id)[1];
      const apart = (place) => Math.max(distance(place, other), 8); // fingers that touch say nothing
      view.zoomBy(apart(before) / apart(now), { ...now, left: (now.left + other.left) / 2, top: (now.top + other.top) / 2 });
    }

    // The rectangle that is drawn while the mouse moves; all of an axis along which it hardly moved.
    function rectangle(now) {
      const ends = (name, most) => [drag.start[name], Math.min(Math.max(now[name], 0), most)].sort((a, b) => a - b);
      let [left, right] = ends("left", now.width);
      let [top, bottom] = ends("top", now.height);
      const [wide, high] = [right - left, bottom - top];
      if (view.axes === "x" || (high < SLIM && wide > high)) [top, bottom] = [0, now.height];
      else if (wide < SLIM && high > wide) [left, right] = [0, now.width];
      return { left, right, top, bottom };
    }

    function mark(now) {
      const { left, right, top, bottom } = rectangle(now);
      stretch.hidden = !drag.moved;
      Object.assign(stretch.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    }

    over.addEventListener("pointerup", (event) => {
      if (!pointers.delete(event.pointerId)) return;
      const now = at(event);
      if (!stretch.hidden) view.zoomTo(rectangle(now));
      else if (!drag.moved && !drag.pinched) view.click?.(now, event);
      stretch.hidden = true;
    });

    over.addEventListener("pointercancel", (event) => {
      pointers.delete(event.pointerId);
      stretch.hidden = true;
    });
    over.addEventListener("dblclick", () => view.reset());
    over.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") view.leave?.();
    });
  };
})();
