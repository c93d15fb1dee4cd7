"use strict";
// What a reader does with a light curve: the acts of gestures.js, and keys that go from cadence to
// cadence and from flare to flare. parts.listen(view) listens for it.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const NEAR = 4; // pixels within which a flare is meant

  parts.listen = (view) => {
    const arrow = (direction) => (event) => (event.shiftKey ? view.stepCadence(direction) : view.pan(0.25 * direction));
    cvzmpi.listenToKeys(view.frame, {
      "+": () => view.zoomBy(0.5),
      "-": () => view.zoomBy(2),
      ArrowLeft: arrow(-1),
      ArrowRight: arrow(1),
      0: () => view.showAll(),
      Home: () => view.showAll(),
      n: () => view.step(1),
      p: () => view.step(-1),
    });
    for (const { over } of [view.upper, view.below]) {
      const timeAt = (pixel) => view.shown[0] + (pixel / over.clientWidth) * (view.shown[1] - view.shown[0]);
      cvzmpi.listenToPointers(over, {
        axes: "x",
        chosen: () => document.activeElement === view.frame,
        choose: () => view.frame.focus({ preventScroll: true }),
        zoomBy: (factor, { left }) => view.zoomBy(factor, timeAt(left)),
        zoomTo: ({ left, right }) => view.show(timeAt(left), timeAt(right)),
        pan: (right) => view.pan(right),
        reset: () => view.showAll(),
        click: ({ left }) => {
          view.select(parts.flareBetween(view.curve, timeAt(left - NEAR), timeAt(left + NEAR)));
          view.redraw();
        },
      });
    }
  };
})();
