/** One world of the inclined mass, moved by the very kernel that moves it in Python. */

const SIZES = { float32: 4, uint32: 4, float64: 8, int64: 8 };
const VIEWS = { float32: Float32Array, uint32: Uint32Array, float64: Float64Array, int64: BigInt64Array };

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** An array in the kernel's memory, and the arguments by which compiled Numba code takes it. */
class Shared {
  constructor(exports, type, ...shape) {
    const count = shape.reduce((a, b) => a * b, 1);
    this.place = exports.alloc(count * SIZES[type]);
    this.values = new VIEWS[type](exports.memory.buffer, this.place, count);
    this.values.fill(type === "int64" ? 0n : 0);
    const steps = shape.map((_, k) => shape.slice(k + 1).reduce((a, b) => a * b, SIZES[type]));
    this.argument = [0, 0, BigInt(count), BigInt(SIZES[type]), this.place, ...shape.map(BigInt), ...steps.map(BigInt)];
  }
}

export class World {
  /**
   * @param {object} about what Python exports of this kind of world
   * @param {Uint8Array} code the compiled kernel; its own when none is given
   */
  static async load(about, code = bytesOf(about.kernel)) {
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
    const { exports } = (await WebAssembly.instantiate(code, { env })).instance;
    memory = exports.memory;
    return new World(about, exports);
  }

  constructor(about, exports) {
    this.about = about;
    this.exports = exports;
    const { lanes, rows, keys, substeps, measurements } = about;
    const shared = (type, ...shape) => new Shared(exports, type, ...shape);
    this.real = shared("float32", 1, rows * lanes);
    this.keys = shared("uint32", 1, keys.length * lanes);
    this.plans = shared("float64", ...about.plans.shape);
    this.plans.values.set(new Float64Array(bytesOf(about.plans.base64).buffer));
    this.costs = shared("float64", about.charges.length);
    this.costs.values.set(about.charges);
    this.starts = shared("int64", lanes);
    this.chosen = shared("int64", 1);
    this.action = shared("int64", 1);
    this.obs = shared("float32", 1, about.observation.length);
    this.bill = shared("float64", about.bill.rows, 1);
    this.truthValues = shared("float32", about.truth.length, 1);
    this.path = shared("float32", measurements * substeps + 1, lanes);
    const nowhere = shared("float32", 0, lanes); // no path is followed into it
    const result = exports.alloc(16); // what a call returns, and what it raises
    this.base = exports.mark();
    const numbers = [about.latency, substeps, about.mode].map(BigInt);
    const common = [this.real, this.keys, this.plans, this.costs].flatMap((one) => one.argument);
    common.push(...numbers, ...[this.obs, this.bill, this.truthValues].flatMap((one) => one.argument));
    this.arguments = {
      begin: [result, result + 8, ...this.chosen.argument, ...this.starts.argument, ...common, ...nowhere.argument],
      advance: [result, result + 8, ...this.action.argument, 0n, 1n, ...common, ...this.path.argument],
    };
  }

  call(name) {
    const status = this.exports[name](...this.arguments[name]);
    this.exports.release(this.base); // all that the call asked for
    if (status) throw new Error(`the kernel's ${name} ended with status ${status}`);
  }

  /** Start the episode of a seed, a BigInt below 2^64. */
  begin(scenario, seed) {
    const { about } = this;
    const row = about.scenarios.find((one) => one.name === scenario).row;
    this.starts.values.fill(BigInt(row));
    this.real.values.fill(0);
    this.keys.values.fill(0);
    this.keys.values[about.keys.indexOf("seed0") * about.lanes] = Number(seed & 0xffffffffn);
    this.keys.values[about.keys.indexOf("seed1") * about.lanes] = Number(seed >> 32n);
    this.call("begin");
    for (const part of [this.real, this.keys]) {
      const { values } = part; // idle lanes do as the first does
      for (let row = 0; row < values.length; row += about.lanes) {
        values.fill(values[row], row, row + about.lanes);
      }
    }
  }

  /** One cycle; returns whether the episode is over. */
  advance(action) {
    this.action.values[0] = BigInt(action);
    this.call("advance");
    return this.bill.values[this.about.bill.over] > 0;
  }

  /** Where the mass went in the last cycle, substep by substep, m. */
  places() {
    const { lanes } = this.about;
    return Float64Array.from({ length: this.path.values.length / lanes }, (_, n) => this.path.values[n * lanes]);
  }

  /** What the last cycle cost, term by term. */
  terms() {
    return [...this.bill.values.subarray(0, this.about.terms.length)];
  }

  /** Minus the reward of the last cycle. */
  cost() {
    return -this.bill.values[this.about.bill.reward];
  }

  /** A field of the state by its name; element `place` of an array. */
  field(name, place = 0) {
    return this.real.values[(this.about.fields[name][0] + place) * this.about.lanes];
  }

  /** A ring of measurements or forecasts, oldest first. */
  ring(name) {
    const size = this.about.fields[name][1];
    const first = (this.field("turn") + 1) * this.about.measurements;
    return Array.from({ length: size }, (_, n) => this.field(name, (first + n) % size));
  }

  save() {
    return { real: this.real.values.slice(), keys: this.keys.values.slice() };
  }

  restore(state) {
    this.real.values.set(state.real);
    this.keys.values.set(state.keys);
  }
}
