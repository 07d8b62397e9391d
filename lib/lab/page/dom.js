// Elements and numbers. All text comes in as text nodes: nothing of the result is read as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== ""));
  return element;
}

/** el("p", {class: "note"}, "text", otherElement) */
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const NOT_MEASURED = "\u2013";

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** 1234567 is "1,234,567"; a rate below one keeps two places, so that it is not taken for none. */
function count(value) {
  if (!isNumber(value)) return NOT_MEASURED;
  return value > 0 && value < 1 ? value.toFixed(2) : whole.format(value);
}

function ratio(value) {
  return isNumber(value) ? value.toFixed(2) : NOT_MEASURED;
}

function percent(value) {
  return isNumber(value) ? (100 * value).toFixed(1) + " %" : NOT_MEASURED;
}

function bytes(value) {
  if (!isNumber(value)) return NOT_MEASURED;
  if (value >= 1e9) return (value / 1e9).toFixed(2) + " GB";
  if (value >= 1e6) return (value / 1e6).toFixed(1) + " MB";
  return value >= 1e3 ? (value / 1e3).toFixed(1) + " kB" : value + " B";
}

function seconds(value) {
  return value > 0 && value < 1 ? whole.format(value * 1000) + " ms" : +value.toFixed(2) + " s";
}

/** For an axis: 50000 is "50k". */
function short(value) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= size) return +(value / size).toFixed(2) + unit;
  }
  return String(+value.toFixed(2));
}

/** A cell; `bad` is told by a sign, by weight and in words, not by colour alone. */
function cell(text, { bad = false, kind = "", edge = false } = {}) {
  const none = text === NOT_MEASURED;
  const names = [kind, bad ? "bad" : "", none ? "none" : "", edge ? "edge" : ""];
  return el("td", { class: names.filter(Boolean).join(" ") || null }, text,
            bad ? el("span", { class: "unseen" }, " (bad)") : null,
            none ? el("span", { class: "unseen" }, " not measured") : null);
}

/** A table in a box of its own, which scrolls where the page is too narrow. */
function table(caption, head, rows, foot = null) {
  const heads = Array.isArray(head[0]) ? head : [head];
  const box = el("table", {}, el("caption", {}, el("span", {}, caption)),
                 el("thead", {}, heads.map((cells, i) => el(
                     "tr", { class: heads.length > 1 && i === 0 ? "groups" : null }, cells))),
                 el("tbody", {}, rows.map((cells) => el("tr", {}, cells))));
  return [el("p", { class: "more-columns", hidden: true }, "\u2194 scrolls sideways: more columns"),
          el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, box),
          foot ? el("p", { class: "note" }, foot) : ""];
}

/** A table that is cut off says that it scrolls. */
function watchTables() {
  const tell = ({ target }) => {
    target.previousElementSibling.hidden = target.scrollWidth <= target.clientWidth + 1;
  };
  const watch = new ResizeObserver((entries) => entries.forEach(tell));
  document.querySelectorAll(".scroll").forEach((box) => watch.observe(box));
}

function column(text, attributes = {}) {
  return el("th", { scope: "col", class: "wrap", ...attributes }, text);
}

function rowHead(...children) {
  return el("th", { scope: "row" }, ...children);
}

/** true, false or null as a mark that says it in words too. */
function mark(holds, words) {
  const [sign, kind] = holds === null ? ["\u2013", "open"]
                       : holds ? ["\u2713", "good"] : ["\u2717", "bad"];
  return el("span", { class: "mark " + kind },
            el("span", { "aria-hidden": "true" }, sign + "\u00a0"), words);
}
