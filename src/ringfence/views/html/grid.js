// Objects × hosts, or × groups of the inventory. Only what can be seen of it is made, so that its size does not matter.

const CELL = 28; // pixels, as report.css has it
const SPARE = 6; // lines and columns around what is seen

class Grid {
  /** rows: [{row, variants, hosts}] · columns: [{title, hosts: [number], host?}] · act: what Enter and a click do with a cell. */
  constructor(parts, rows, columns, act) {
    Object.assign(this, { parts, rows, columns, act, at: [0, 0], made: new Map() });
    this.head = Math.min(180, 24 + 8 * Math.max(6, ...columns.map((column) => column.title.length))); // pixels of the line of names
    this.places = new Map(); // row number -> {column: [hosts that have it]}
    this.columnOf = new Map();
    columns.forEach((column, c) => column.hosts.forEach((host) => this.columnOf.set(host, [...(this.columnOf.get(host) ?? []), c])));
    this.body = h("div", { role: "rowgroup" });
    this.heads = h("div", { role: "row", "aria-rowindex": "1", class: "heads" }, h("span", { role: "columnheader", class: "object" }, "object"));
    this.element = h("div", { role: "grid", class: "grid", "aria-label": "Objects and hosts", "aria-rowcount": rows.length + 1,
      "aria-colcount": columns.length + 1, onscroll: () => this.draw(), onkeydown: (event) => this.key(event),
      onclick: (event) => this.click(event), onfocusin: (event) => this.focused(event) }, h("div", { role: "rowgroup" }, this.heads), this.body);
  }

  /** To be called once the element is in the page. */
  begin() {
    this.left = this.heads.firstChild.offsetWidth;
    const width = this.left + this.columns.length * CELL;
    this.heads.style.width = this.body.style.width = `${width}px`;
    this.heads.style.height = this.heads.firstChild.style.height = `${this.head}px`;
    this.body.style.height = `${this.rows.length * CELL}px`;
    this.body.style.position = "relative";
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.draw();
  }

  /** The numbers from..to of what is seen along one side. */
  seen(offset, size, total) {
    const from = Math.max(0, Math.floor(offset / CELL) - SPARE);
    return [from, Math.min(total, Math.ceil((offset + size) / CELL) + SPARE)];
  }

  draw() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.element;
    const [top, bottom] = this.seen(scrollTop, Math.max(0, clientHeight - this.head), this.rows.length);
    const [first, last] = this.seen(scrollLeft, Math.max(0, clientWidth - this.left), this.columns.length);
    const seen = `${top} ${bottom} ${first} ${last}`;
    if (seen === this.drawn) return;
    this.drawn = seen;
    const active = document.activeElement?.closest?.(".grid .cell") ? this.at : null;
    this.heads.replaceChildren(this.heads.firstChild);
    for (let c = first; c < last; c++) {
      const column = h("span", { role: "columnheader", "aria-colindex": c + 2, class: "column", title: this.columns[c].title }, bdi(this.columns[c].title));
      column.style.left = `${this.left + c * CELL}px`;
      this.heads.append(column);
    }
    this.body.replaceChildren();
    for (let r = top; r < bottom; r++) this.body.append(this.line(r, first, last));
    if (active) this.cell(...active)?.focus({ preventScroll: true });
  }

  line(r, first, last) {
    const { row } = this.rows[r];
    const made = h("div", { role: "row", "aria-rowindex": r + 2 }, h("span", { role: "rowheader", class: "object", title: `${row.kind} ${row.name}` },
      h("span", { class: "quiet" }, `${row.kind} `), bdi(row.name)));
    made.style.top = `${r * CELL}px`;
    made.style.width = `${this.left + this.columns.length * CELL}px`;
    for (let c = first; c < last; c++) made.append(this.square(r, c));
    return made;
  }

  /** Which hosts of a row are in which column. */
  placed(r) {
    const { row, variants } = this.rows[r];
    if (!this.places.has(r)) {
      const found = new Map();
      for (const [, hosts] of variants) {
        for (const host of hosts) for (const c of this.columnOf.get(host) ?? []) found.set(c, (found.get(c) ?? 0) + 1);
      }
      this.places.set(r, found);
    }
    return [row, this.places.get(r)];
  }

  square(r, c) {
    const [row, places] = this.placed(r);
    const column = this.columns[c], there = places.get(c) ?? 0, words = this.parts.word(row);
    let [sign, said, tone] = ["", "nothing", "none"];
    if (there) {
      const some = column.host === undefined && there < column.hosts.length;
      [sign, tone] = [column.host === undefined && (some || column.hosts.length > 1) ? String(there) : words.sign, words.tone];
      said = column.host === undefined ? `${words.word} on ${there} of ${count(column.hosts.length, "host")}` : words.word;
      const became = column.host !== undefined && this.parts.model.words.writes ? this.parts.model.became(row, column.host) : null;
      if (became === "") [sign, tone, said] = ["✗", "error", `${words.word}, not made`];
      else if (became) said += `, ${became}`;
    } else if (column.host?.error >= 0 && !Object.keys(column.host.words).length) [sign, said] = ["?", this.parts.status(column.host).word];
    const made = h("span", { role: "gridcell", "aria-colindex": c + 2, class: `cell ${tone}`, tabindex: this.at[0] === r && this.at[1] === c ? "0" : "-1",
      "data-at": `${r} ${c}`, title: `${row.name} · ${column.title}: ${said}`, "aria-label": `${row.name}, ${column.title}: ${said}` }, sign);
    made.style.left = `${this.left + c * CELL}px`;
    return made;
  }

  cell(r, c) {
    return this.body.querySelector(`[data-at="${r} ${c}"]`);
  }

  focused(event) {
    const at = event.target.dataset?.at;
    if (!at) return;
    const before = this.cell(...this.at);
    if (before) before.tabIndex = -1;
    this.at = at.split(" ").map(Number);
    event.target.tabIndex = 0;
  }

  click(event) {
    const at = event.target.closest("[data-at]")?.dataset.at;
    if (at) this.open(...at.split(" ").map(Number));
  }

  open(r, c) {
    if (this.placed(r)[1].get(c)) this.act(this.rows[r], this.columns[c]);
  }

  key(event) {
    const [r, c] = this.at, page = Math.max(1, Math.floor((this.element.clientHeight - this.head) / CELL) - 1);
    const steps = { ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], PageUp: [r - page, c], PageDown: [r + page, c],
      Home: event.ctrlKey ? [0, 0] : [r, 0], End: event.ctrlKey ? [this.rows.length - 1, this.columns.length - 1] : [r, this.columns.length - 1] };
    if (event.key === "Enter" || event.key === " ") this.open(r, c);
    else if (steps[event.key]) this.move(...steps[event.key]);
    else return;
    event.preventDefault();
  }

  /** Go to a cell, and bring it into view. */
  move(r, c) {
    this.at = [Math.min(Math.max(r, 0), this.rows.length - 1), Math.min(Math.max(c, 0), this.columns.length - 1)];
    const [top, left] = [this.at[0] * CELL, this.at[1] * CELL], { element } = this;
    const height = element.clientHeight - this.head, width = element.clientWidth - this.left;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + CELL > element.scrollTop + height) element.scrollTop = top + CELL - height;
    if (left < element.scrollLeft) element.scrollLeft = left;
    if (left + CELL > element.scrollLeft + width) element.scrollLeft = left + CELL - width;
    this.draw();
    this.cell(...this.at)?.focus({ preventScroll: true });
  }
}
