"use strict";
// The cursor on the maps, by pointer and by keyboard, and the pixel that is shown.
(() => {
  const maps = document.getElementById("maps"), form = document.getElementById("pixel-form");
  const status = document.getElementById("pixel-status");
  const nSteps = Number(maps.dataset.steps), nSlit = Number(maps.dataset.slit);
  const images = [...maps.querySelectorAll("svg.map")];
  const cursor = { x: Math.floor((nSteps - 1) / 2), y: Math.floor((nSlit - 1) / 2) };
  let asked = 0;

  function move(x, y) {
    cursor.x = Math.min(Math.max(x, 0), nSteps - 1);
    cursor.y = Math.min(Math.max(y, 0), nSlit - 1);
    form.elements.x.value = cursor.x;
    form.elements.y.value = cursor.y;
    for (const image of images) {
      const { width, height } = image.viewBox.baseVal;
      const x = ((cursor.x + 0.5) / nSteps) * width, y = height - ((cursor.y + 0.5) / nSlit) * height;
      const size = Math.max(width / nSteps, height / nSlit, 36) / 2, long = size + 60;
      const path = `M${x - long} ${y}H${x - size}M${x + size} ${y}H${x + long}` +
        `M${x} ${y - long}V${y - size}M${x} ${y + size}V${y + long}` +
        `M${x - size} ${y - size}h${2 * size}v${2 * size}h${-2 * size}z`;
      for (const line of image.querySelectorAll(".cursor")) line.setAttribute("d", path);
    }
  }

  function pixelAt(image, event) {
    const matrix = image.getScreenCTM().inverse(), { width, height } = image.viewBox.baseVal;
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
    return [Math.floor((place.x / width) * nSteps), Math.floor((1 - place.y / height) * nSlit)];
  }

  function fillValues(pixel) {
    const body = document.querySelector("#values tbody");
    body.replaceChildren();
    for (const value of pixel.values) {
      const row = body.insertRow();
      row.dataset.name = value.name;
      const title = row.insertCell();
      title.className = "text";
      title.textContent = value.title;
      row.insertCell().textContent = value.words;
    }
  }

  async function show() {
    const { x, y } = cursor, number = ++asked;
    status.textContent = `Reading the profiles of pixel ${x}, ${y} ...`;
    let pixel;
    try {
      const answer = await fetch(`${maps.dataset.pixel}?x=${x}&y=${y}`);
      pixel = await answer.json();
      if (!answer.ok) throw new Error(pixel.error);
    } catch (error) {
      if (number === asked) status.textContent = `Pixel ${x}, ${y} cannot be shown: ${error.message}`;
      return;
    }
    if (number !== asked) return; // another pixel was asked for meanwhile
    document.getElementById("pixel").hidden = document.getElementById("to-profiles").hidden = false;
    cvzmpi.profiles(pixel, document.getElementById("profiles"));
    fillValues(pixel);
    const strength = pixel.values.find((value) => value.name === "field_strength");
    status.textContent = `Scan position ${x}, pixel ${y} along the slit` + (pixel.status ? `: ${pixel.status}` : "") +
      (strength ? `, ${strength.words}` : "");
    history.replaceState(null, "", `#x=${x}&y=${y}`);
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  for (const image of images) {
    image.addEventListener("click", (event) => {
      move(...pixelAt(image, event));
      show();
    });
    image.addEventListener("keydown", (event) => {
      const by = STEPS[event.key], far = event.shiftKey ? 10 : 1;
      if (by) {
        move(cursor.x + far * by[0], cursor.y + far * by[1]);
        status.textContent = `Cursor at ${cursor.x}, ${cursor.y}`;
      } else if (event.key === "Enter" || event.key === " ") show();
      else return;
      event.preventDefault();
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    move(Number(form.elements.x.value), Number(form.elements.y.value));
    show();
  });

  document.getElementById("to-profiles").addEventListener("click", () => document.getElementById("pixel-title").focus());

  const wanted = new URLSearchParams(location.hash.slice(1));
  move(cursor.x, cursor.y);
  if (wanted.has("x") && wanted.has("y")) {
    move(Number(wanted.get("x")) || 0, Number(wanted.get("y")) || 0);
    show();
  }
})();
