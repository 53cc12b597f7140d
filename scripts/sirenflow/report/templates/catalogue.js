// All events from the page's data: searched, filtered and sorted, and only the rows near the window
// drawn. Without this, the page lists the newest.
"use strict";
(() => {
  const block = document.getElementById("events");
  if (!block) return;
  const { columns, own, values, rows } = JSON.parse(block.textContent);
  // How to get a column of a row: a value of its own, or the index of a shared one.
  const get = Object.fromEntries(columns.map((name, place) => [name, own.includes(name) ? (row) => row[place] : (row) => values[row[place]]]));
  const control = (id) => document.getElementById(id);
  const search = control("search"), chosen = control("class"), sort = control("sort");
  const boxes = ["only-significant", "hide-retracted", "hide-mock"].map(control);
  const table = document.querySelector(".events table"), headings = [...table.querySelectorAll("th[data-sort]")];
  const count = document.querySelector(".count"), none = document.querySelector(".none"), cut = document.querySelector(".cut");
  const blank = control("row").content.querySelector("tr");

  // One row.
  const STYLES = { BNS: "bns", NSBH: "nsbh", BBH: "bbh", Terrestrial: "terrestrial" };
  const NARROWEST = 0.05;
  const svg = (name, attributes) => set(document.createElementNS("http://www.w3.org/2000/svg", name), attributes);
  const set = (element, attributes) => { for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value); return element; };
  const span = (name, text) => { const made = document.createElement("span"); made.className = name; made.textContent = text; return made; };
  const write = (cell, text, absent = "not provided") => text === null ? cell.replaceChildren(span("absent", absent)) : cell.prepend(text);
  const drawSource = (cell, source) => {
    if (!Array.isArray(source)) return cell.replaceChildren(source === null ? span("absent", "not provided") : source);
    cell.prepend(`${source[0][0]} ${source[0][1]}`);
    set(cell.lastChild, { "aria-label": source.map(([name, probability]) => `${name} ${probability}`).join(", ") });
    let start = 0;
    for (const [name, , width] of source) {
      if (width >= NARROWEST) cell.lastChild.append(svg("rect", { class: STYLES[name] ?? "other", x: start, width, height: 5 }));
      start += width;
    }
  };
  const drawMap = (picture, row) => {
    const [, region, peak, absent] = picture.children, x = get.peak_x(row);
    picture.setAttribute("aria-label", x === null ? "no sky map" : `Sky map of ${get.id(row)}`);
    if (x === null) { region.remove(); peak.remove(); return; }
    absent.remove();
    region.children[0].setAttribute("d", get.path_90(row));
    region.children[1].setAttribute("d", get.path_50(row));
    set(peak, { cx: x, cy: get.peak_y(row) });
  };
  const draw = (row, place) => {
    const line = blank.cloneNode(true), cells = line.children;
    line.className = [get.category(row) === "real" ? "real" : "mock", get.retracted(row) ? "retracted" : "", get.significant(row) ? "significant" : ""].filter(Boolean).join(" ");
    line.setAttribute("aria-rowindex", place + 2);
    const [link, tags] = cells[0].children;
    link.href = get.link(row) ?? `${get.id(row)}/index.html`;
    link.textContent = get.id(row);
    for (const [words, tone] of get.tags(row)) tags.append(span(`chip ${tone}`, words), " ");
    drawMap(cells[1].firstElementChild, row);
    drawSource(cells[2], get.source(row));
    ["remnant", "distance", "area", "far", "detectors"].forEach((name, i) => write(cells[3 + i], get[name](row), name === "distance" || name === "area" ? get.no_map(row) : undefined));
    const time = get.time(row);
    if (time === null) write(cells[8], null);
    else [cells[8].children[0].textContent, cells[8].children[1].textContent] = time.split(" ");
    return line;
  };

  // The table: bodies of a few rows each. One that is far from the window holds a gap as high.
  const PART = 20;
  const PRINTED = 100;
  let parts = [], partOf = new Map(), rowHeight = 0;
  const filled = new Set();
  const gap = (part, height) => {
    const cell = document.createElement("td"), line = document.createElement("tr");
    cell.colSpan = blank.children.length;
    cell.style.height = `${height}px`;
    line.className = "gap";
    line.setAttribute("aria-hidden", "true");
    line.append(cell);
    part.body.replaceChildren(line);
    filled.delete(part);
  };
  const fill = (part) => {
    if (filled.has(part)) return;
    part.body.replaceChildren(...part.rows.map((row, i) => draw(row, part.place * PART + i)));
    filled.add(part);
  };
  // Where the focus is, and beside it, rows stay: the next Tab must find them.
  const tidy = () => {
    const focused = partOf.get(document.activeElement.closest("tbody"));
    for (const part of parts) {
      if (part.near || (focused && Math.abs(part.place - focused.place) <= 1)) fill(part);
      else if (filled.has(part)) gap(part, part.body.getBoundingClientRect().height);
    }
  };
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) if (partOf.has(entry.target)) partOf.get(entry.target).near = entry.isIntersecting;
    tidy();
  }, { root: document, rootMargin: "100%" });
  const show = (list) => {
    watch.disconnect();
    filled.clear();
    parts = Array.from({ length: Math.ceil(list.length / PART) }, (_, place) => (
      { body: document.createElement("tbody"), place, rows: list.slice(place * PART, (place + 1) * PART), near: place === 0 }
    ));
    partOf = new Map(parts.map((part) => [part.body, part]));
    for (const old of [...table.tBodies]) old.remove();
    table.append(...parts.map((part) => part.body));
    table.setAttribute("aria-rowcount", list.length + 1);
    if (!parts.length) return;
    fill(parts[0]);
    rowHeight = parts[0].body.getBoundingClientRect().height / parts[0].rows.length;
    for (const part of parts.slice(1)) gap(part, part.rows.length * rowHeight);
    for (const part of parts) watch.observe(part.body);
  };

  // Which rows, in which order.
  const wordsOf = (row) => {
    const source = get.source(row), top = Array.isArray(source) ? source[0][0] : get.class_name(row);
    const tags = get.tags(row).map(([text]) => text).join(" ");
    return ` ${[get.id(row), get.id(row).replace(/^[MT]?S/, ""), top, get.detectors(row), get.words(row), tags, get.time(row)].join(" ")}`.toLowerCase();
  };
  let words;
  const KEYS = {
    time: (row, place) => -place,
    id: get.id,
    source: (row) => { const source = get.source(row); return `${get.class_name(row)} ${Array.isArray(source) ? 1000 - source[0][2] : ""}`; },
    remnant: get.remnant_number, distance: get.distance_number, area: get.area_number, far: get.far_number,
  };
  const ordered = () => {
    const [name, direction] = sort.value.split(" ");
    const key = rows.map(KEYS[name]), sign = direction === "ascending" ? 1 : -1;
    // Unknown values come last, whichever the direction; equal ones stay newest first.
    return rows.map((_, place) => place).sort((a, b) => (key[a] === null) - (key[b] === null) || (key[a] < key[b] ? -sign : key[a] > key[b] ? sign : a - b));
  };
  const wanted = () => {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean).map((word) => ` ${word}`);
    if (sought.length) words ??= rows.map(wordsOf);
    const [significant, retracted, mock] = boxes.map((box) => box.checked);
    return (place) => {
      const row = rows[place];
      return sought.every((word) => words[place].includes(word)) && (!chosen.value || get.class_name(row) === chosen.value)
        && !(significant && !get.significant(row)) && !(retracted && get.retracted(row)) && !(mock && get.category(row) !== "real");
    };
  };
  let order = [], sortedBy = "", list = [];
  const update = () => {
    if (sortedBy !== sort.value) { order = ordered(); sortedBy = sort.value; }
    list = order.filter(wanted()).map((place) => rows[place]);
    count.textContent = `${list.length} of ${rows.length}`;
    none.hidden = list.length > 0;
    cut.hidden = list.length <= PRINTED;
    const [name, direction] = sort.value.split(" ");
    for (const heading of headings) heading.setAttribute("aria-sort", heading.dataset.sort === name ? direction : "none");
    show(list);
    remember();
  };

  // The state is in the address, to be kept, shared and come back to.
  const fields = [search, chosen, sort, ...boxes];
  const value = (field) => field.type === "checkbox" ? String(field.checked) : field.value;
  const given = new Map(fields.map((field) => [field, field.type === "checkbox" ? String(field.defaultChecked) : field === sort ? sort.options[0].value : ""]));
  const remember = () => {
    const changed = fields.filter((field) => value(field) !== given.get(field)).map((field) => [field.id, value(field)]);
    // A page in a frame may have no address of its own.
    try { if (changed.length || location.hash) history.replaceState(null, "", `#${new URLSearchParams(changed)}`); } catch { /* then not */ }
  };
  const recall = () => {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) {
      const text = kept.get(field.id) ?? given.get(field);
      if (field.type === "checkbox") field.checked = text === "true";
      else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === text)) field.value = text;
    }
  };

  for (const heading of headings) {
    // A page that was saved has its buttons already.
    const button = heading.querySelector("button") ?? document.createElement("button");
    button.type = "button";
    if (!button.parentNode) button.append(...heading.childNodes);
    button.addEventListener("click", () => {
      const orders = [...sort.options].map((option) => option.value).filter((order) => order.startsWith(`${heading.dataset.sort} `));
      sort.value = orders[(orders.indexOf(sort.value) + 1) % orders.length];
      update();
    });
    heading.append(button);
  }
  for (const label of document.querySelectorAll(".scripted")) label.hidden = false;
  document.querySelector(".shown").hidden = true;
  for (const field of fields) field.addEventListener("input", update);
  table.addEventListener("focusin", tidy);
  addEventListener("hashchange", () => { recall(); update(); });
  // Another width is another layout; a phone's bars that come and go change the height only.
  let width = innerWidth;
  addEventListener("resize", () => { if (width !== innerWidth) { width = innerWidth; show(list); } });
  addEventListener("beforeprint", () => { show(list.slice(0, PRINTED)); watch.disconnect(); parts.forEach(fill); });
  addEventListener("afterprint", () => show(list));
  recall();
  update();
})();
