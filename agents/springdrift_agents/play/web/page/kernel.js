/** A kernel of Python's, compiled for the page: its memory, its arrays by name, and its functions. */

const VIEWS = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
};
const SIGNED = BigInt.asIntN;

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** An array in the kernel's memory, and the arguments by which compiled Numba code takes it. */
function placed(type, place, shape, buffer) {
  const count = shape.reduce((a, b) => a * b, 1);
  const size = VIEWS[type].BYTES_PER_ELEMENT;
  const steps = shape.map((_, k) => shape.slice(k + 1).reduce((a, b) => a * b, size));
  const argument = [0, 0, BigInt(count), BigInt(size), place, ...shape.map(BigInt), ...steps.map(BigInt)];
  return { type, place, values: new VIEWS[type](buffer, place, count), argument };
}
const AT = 4; // where in it the place stands

export class Kernel {
  /**
   * @param {WebAssembly.Module} code the compiled kernel
   * @param {object} about its arrays and calls, as Python describes them
   */
  static async load(code, about) {
    let memory = null;
    const env = {
      fmodf: (a, b) => a % b, // the remainder of two float32 is a float32: nothing is rounded
      // the product of two whole numbers of 128 bits, by which sizes of arrays are checked
      __multi3: (place, aLow, aHigh, bLow, bHigh) => {
        const whole = (low, high) => BigInt.asUintN(64, low) + (high << 64n);
        const product = BigInt.asUintN(128, whole(aLow, aHigh) * whole(bLow, bHigh));
        new BigUint64Array(memory.buffer, place, 2).set([BigInt.asUintN(64, product), product >> 64n]);
      },
    };
    const { exports } = await WebAssembly.instantiate(code, { env });
    memory = exports.memory;
    return new Kernel(exports, about);
  }

  constructor(exports, { arrays, calls }) {
    this.exports = exports;
    this.arrays = {};
    for (const [name, one] of Object.entries(arrays)) this.arrays[name] = this.array(one);
    const result = exports.alloc(16); // what a call returns, and what it raises
    this.base = exports.mark();
    this.calls = {};
    for (const [name, takes] of Object.entries(calls)) {
      const list = [result, result + 8];
      const places = {};
      for (const [argument, kind, value] of takes) {
        places[argument] = list.length + (kind === "array" ? AT : 0);
        if (kind === "array") list.push(...this.arrays[value].argument);
        else list.push(kind === "whole" ? SIGNED(64, BigInt(value)) : value);
      }
      this.calls[name] = { list, places };
    }
  }

  /** Room for an array, with its numbers in it; or another one, seen with another shape. */
  array({ type, shape, base64, of }) {
    const { buffer } = this.exports.memory;
    if (of) return placed(this.arrays[of].type, this.arrays[of].place, shape, buffer);
    const bytes = shape.reduce((a, b) => a * b, VIEWS[type].BYTES_PER_ELEMENT);
    const made = placed(type, this.exports.alloc(bytes), shape, buffer);
    new Uint8Array(buffer, made.place, bytes).fill(0);
    if (base64) new Uint8Array(buffer, made.place, bytes).set(bytesOf(base64));
    return made;
  }

  /** The numbers of an array, to read and to write. */
  values(name) {
    return this.arrays[name].values;
  }

  /** Call a function; `given` are numbers, or for arrays places in memory, that differ from those described. */
  call(name, given = {}) {
    const { list, places } = this.calls[name];
    for (const [argument, value] of Object.entries(given)) list[places[argument]] = value;
    const status = this.exports[name](...list);
    this.exports.release(this.base); // all that the call asked for
    if (status) throw new Error(`the kernel's ${name} ended with status ${status}`);
  }

  /** Copies of some arrays, and back. */
  save(names) {
    return names.map((name) => this.values(name).slice());
  }

  restore(names, saved) {
    names.forEach((name, k) => this.values(name).set(saved[k]));
  }
}
