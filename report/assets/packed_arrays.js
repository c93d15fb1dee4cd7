"use strict";
// Arrays as `cvzmpi/web/packed_arrays.py` packs them: cvzmpi.unpacked({type, sorted, bytes}) is a
// promise of the typed array, or of a list of texts.

(() => {
  const ARRAYS = {
    u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array,
    u4: Uint32Array, i4: Int32Array, f4: Float32Array, f8: Float64Array,
  };

  async function inflated(text) {
    const compressed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  cvzmpi.unpacked = async ({ type, sorted, bytes }) => {
    const content = await inflated(bytes);
    if (type === "text") return new TextDecoder().decode(content).split("\n");
    return new ARRAYS[type]((sorted ? together(content, ARRAYS[type].BYTES_PER_ELEMENT) : content).buffer);
  };

  // The bytes number after number, of those that are sorted by significance.
  function together(content, size) {
    const length = content.length / size;
    const all = new Uint8Array(content.length);
    for (let place = 0; place < size; place += 1) {
      for (let i = 0; i < length; i += 1) all[i * size + place] = content[place * length + i];
    }
    return all;
  }
})();
