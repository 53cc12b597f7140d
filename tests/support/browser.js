// Questions about a page, each a function that gives what is wrong as a list of texts.

const name = (element) => {
  const text = (element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
  const style = element.getAttribute("class");
  const figure = element.ownerSVGElement;
  const where = figure ? ` in figure "${(figure.querySelector("title")?.textContent ?? figure.getAttribute("aria-label") ?? "").slice(0, 40)}"` : "";
  return `<${element.tagName.toLowerCase()}${style ? "." + style : ""}> ${text}${where}`;
};

const visible = (element) => {
  if (!element.checkVisibility({ opacityProperty: false, visibilityProperty: true })) return false;
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.height > 1;
};

const everything = () => [...document.body.querySelectorAll("*")].filter(visible);

// Whatever scrolls by itself may be wider than the page.
const scroller = (element) => {
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return at;
  }
  return null;
};

const overflowing = () => {
  const wrong = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > window.innerWidth) wrong.push(`the page is ${root.scrollWidth} px wide in ${window.innerWidth}`);
  for (const element of everything()) {
    if (element.ownerSVGElement && element.tagName !== "text") continue;
    if (scroller(element) || element.closest("clipPath, defs")) continue;
    const box = element.getBoundingClientRect();
    if (box.right > window.innerWidth + 0.5 || box.left < -0.5) wrong.push(`beyond the edge, ${Math.round(box.left)} to ${Math.round(box.right)} px: ${name(element)}`);
    const style = getComputedStyle(element);
    const cut = ["hidden", "clip"].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    if (cut && !element.ownerSVGElement && element.tagName !== "svg") wrong.push(`cut off: ${name(element)}`);
  }
  return wrong;
};

const figureTexts = () => everything().filter((element) => element.tagName === "text" && element.textContent.trim());

// Sizes in px as they appear on the screen.
const smallFigureTexts = (smallest) => figureTexts()
  .map((element) => [element, parseFloat(getComputedStyle(element).fontSize) * Math.abs(element.getScreenCTM().d)])
  .filter(([, size]) => size < smallest)
  .map(([element, size]) => `${size.toFixed(1)} px: ${name(element)}`);

const textsOutsideTheirFigure = () => figureTexts().filter((element) => {
  const [box, frame] = [element.getBoundingClientRect(), element.ownerSVGElement.getBoundingClientRect()];
  return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2;
}).map(name);

const overlappingFigureTexts = () => {
  const wrong = [];
  const texts = figureTexts();
  texts.forEach((one, index) => texts.slice(index + 1).forEach((other) => {
    if (one.ownerSVGElement !== other.ownerSVGElement) return;
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    // Boxes hold the line's whole height; letters take about two thirds of it.
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) - 0.3 * Math.min(a.height, b.height);
    if (across > 1 && down > 1) wrong.push(`${name(one)} and ${name(other)}`);
  }));
  return wrong;
};

// Symbols, error bars, bars of histograms and the reticle: nothing may be written on them.
const coveredMarkers = () => {
  const wrong = [];
  const markers = everything().filter((element) => element.matches("svg :is(circle, .bin, .spread, .reticle, .scale)"));
  // Of the reticle, the middle of each arm's length: a label may lie between two arms.
  const parts = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    if (!element.matches(".reticle")) return [{ left, right, top, bottom }];
    const [x, y, half] = [(left + right) / 2, (top + bottom) / 2, 1.5];
    return [{ left, right, top: y - half, bottom: y + half }, { left: x - half, right: x + half, top, bottom }];
  };
  for (const text of figureTexts()) {
    const box = text.getBoundingClientRect();
    // Letters and digits without the room above and below them.
    const [top, bottom] = [box.top + 0.2 * box.height, box.bottom - 0.25 * box.height];
    for (const marker of markers.filter((element) => element.ownerSVGElement === text.ownerSVGElement)) {
      for (const part of parts(marker)) {
        const across = Math.min(box.right, part.right) - Math.max(box.left, part.left);
        const down = Math.min(bottom, part.bottom) - Math.max(top, part.top);
        if (across > 1 && down > 1) wrong.push(`${name(text)} covers ${name(marker)}`);
      }
    }
  }
  return wrong;
};

const channels = (colour) => {
  const found = colour.match(/[\d.]+/g).map(Number);
  const scale = colour.startsWith("color(") ? 255 : 1;
  return { rgb: found.slice(0, 3).map((value) => value * scale), alpha: found[3] ?? 1 };
};
const luminance = ({ rgb }) => {
  const [r, g, b] = rgb.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const coloured = (colour) => colour !== "none" && channels(colour).alpha > 0;

// A figure's text is seen against the halo it is drawn with, or else against what is behind the figure.
const faintFigureTexts = (least) => figureTexts().flatMap((element) => {
  const style = getComputedStyle(element);
  let behind = style.stroke;
  for (let at = element; !coloured(behind) && at; at = at.parentElement) behind = getComputedStyle(at).backgroundColor;
  const found = coloured(behind) ? contrast(channels(style.fill), channels(behind)) : 1;
  return found < least ? [`${found.toFixed(2)}: ${name(element)} ${style.fill} on ${behind}`] : [];
});

// Stripes are no one colour, so axe-core leaves them to us.
const faintOnGradients = (least) => everything().flatMap((element) => {
  const found = getComputedStyle(element).backgroundImage.match(/rgba?\([^)]*\)|color\([^)]*\)/g) ?? [];
  const text = channels(getComputedStyle(element).color);
  return found.filter((colour) => contrast(text, channels(colour)) < least).map((colour) => `${name(element)} on ${colour}`);
});

// One of a group of radio buttons takes the focus for all of them.
const stops = () => {
  const seen = new Set();
  return everything0("a[href], button, input, select, textarea, summary, [tabindex]").filter((element) => {
    if (element.disabled || element.tabIndex < 0 || !element.checkVisibility({ visibilityProperty: true })) return false;
    if (element.type !== "radio") return true;
    const fresh = !seen.has(element.name);
    seen.add(element.name);
    return fresh;
  });
};
const everything0 = (selector) => [...document.querySelectorAll(selector)];

const stopNames = () => stops().map((element) => (element.type === "radio" ? `radio ${element.name}` : stopName(element)));
const stopName = (element) => `${element.tagName.toLowerCase()} ${element.id || element.getAttribute("href") || element.textContent.trim().slice(0, 40)}`;

// What has the focus: its name, whether that shows, and whether something else lies over it.
const focused = () => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const shown = element.labels && !visible(element) ? element.labels[0] : element;
  const shows = [element, ...(element.labels ?? [])].some((part) => {
    const style = getComputedStyle(part);
    return visible(part) && ((style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none");
  });
  const lines = [...shown.getClientRects()];
  const covered = !lines.some((box) => {
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return top && (shown.contains(top) || top.contains(shown));
  });
  return { name: element.type === "radio" ? `radio ${element.name}` : stopName(element), shows, covered };
};

const background = () => getComputedStyle(document.body).backgroundColor;

const colours = () => [document.body, ...document.querySelectorAll(".card, .ribbon")].map((element) => {
  const { color, backgroundColor } = getComputedStyle(element);
  return element === document.body ? color : `${color} on ${backgroundColor}`;
});
