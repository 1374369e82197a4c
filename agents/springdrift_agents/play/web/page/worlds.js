/** The kinds of world that the page can play, by what moves them. */

import { Kernel, bytesOf } from "./kernel.js";
import { Machine } from "./machine.js";
import { Series } from "./series.js";

const ENGINES = { incline: Machine, series: Series };
const compiled = {}; // by engine: several kinds of world share one

/** The world that Python describes; `kernels` holds the compiled ones by engine, in base64. */
export async function load(about, kernels) {
  compiled[about.engine] ??= WebAssembly.compile(bytesOf(kernels[about.engine]));
  const kernel = await Kernel.load(await compiled[about.engine], about);
  return new ENGINES[about.engine](about, kernel);
}
