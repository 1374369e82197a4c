/** Colours and shapes: those of every picture of springdrift, on light and dark ground. */

const GROUNDS = {
  light: {},
  dark: { ink: "#eceae4", faint: "#a9a79f", line: "#45474b", paper: "#17181a", panel: "#222427", earth: "#39352e" },
  contrast: { ink: "#000000", faint: "#000000", line: "#000000", paper: "#ffffff", panel: "#ffffff", earth: "#ffffff" },
};
const MEANINGS = ["model", "hand", "train", "good", "hidden"];

function mixed(colour, other, share) {
  const parts = [colour, other].map((one) => [1, 3, 5].map((k) => parseInt(one.slice(k, k + 2), 16)));
  const sums = parts[0].map((value, k) => Math.round(value * (1 - share) + parts[1][k] * share));
  return `#${sums.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** A colour of the light pictures as it reads on another ground. */
export function onGround(colour, ground, ink) {
  if (ground === "dark") return colour === ink ? GROUNDS.dark.ink : mixed(colour, "#ffffff", 0.35);
  return ground === "contrast" ? mixed(colour, "#000000", 0.25) : colour;
}

/** The colours by what they stand for, on a ground: "light", "dark" or "contrast". */
export function palette(colours, ground) {
  const found = { ...colours, ...GROUNDS[ground], ground, mass: ground === "dark" ? "#d5d2ca" : "#3b3b3b" };
  for (const name of MEANINGS) found[name] = onGround(colours[name], ground, colours.ink);
  found.of = (colour) => onGround(colour, ground, colours.ink);
  return found;
}

const PLUS = [[-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35], [1, 0.35], [0.35, 0.35], [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35], [-1, -0.35], [-0.35, -0.35]];

/** Both ends of a box on a time line, never so near that it is not seen. */
export function lengthsOf(left, right) {
  return [left, Math.max(right, left + 1.5)];
}

/** Trace a shape of a size around a place: each decision and each cost term has one of its own. */
export function shape(context, name, x, y, size) {
  const r = size / 2;
  context.beginPath();
  if (name === "triangle") {
    context.moveTo(x - r, y + r);
    context.lineTo(x + r, y + r);
    context.lineTo(x, y - r);
  } else if (name === "square") context.rect(x - r, y - r, size, size);
  else if (name === "diamond") {
    for (const [a, b] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + a * r * 1.2, y + b * r * 1.2);
  } else if (name === "plus") {
    for (const [a, b] of PLUS) context.lineTo(x + a * r, y + b * r);
  } else if (name === "arrow") {
    for (const [a, b] of [[1, -1], [-1, 0], [1, 1], [0.4, 0]]) context.lineTo(x + a * r, y + b * r);
  } else context.arc(x, y, r, 0, 2 * Math.PI);
  context.closePath();
}

/** The same as the points of an SVG path in a box of 12 by 12. */
export const PATHS = {
  dot: "M6 1a5 5 0 1 0 .01 0z",
  triangle: "M1 11h10L6 1z",
  square: "M1 1h10v10H1z",
  diamond: "M6 0l6 6-6 6-6-6z",
  arrow: "M11 1L1 6l10 5-3-5z",
  plus: "M4 0h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
};
