/** Texts with places to fill, and how numbers are written. */

/** A text with its {names} replaced. */
export function filled(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** A number with so many decimals and a real minus sign. */
export function figure(value, decimals = 1) {
  return value.toFixed(decimals).replace("-", "−");
}

/** What a cost term of a kind of world is called there. */
export function termOf(texts, about, name) {
  return texts.kinds[about.engine].terms[name] ?? texts.terms[name] ?? name;
}
