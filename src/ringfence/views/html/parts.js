// Pieces of the page. Everything is made of elements and texts: nothing that a host said is ever read as HTML.

/** An element: h("p", {class: "quiet"}, "text", child, …). A member that begins with "on" is a listener. */
function h(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const bdi = (text, attributes) => h("bdi", attributes, String(text));
const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const heading = (text) => h("p", { class: "heading" }, text);
let lastId = 0;

function badge({ sign, word, tone }) {
  return h("span", { class: `badge ${tone}` }, h("span", { "aria-hidden": "true" }, sign), ` ${word}`);
}

/** What an object does: every second text is open to anybody. */
function meaningParts(pieces) {
  return pieces.map((text, i) => i % 2 ? h("strong", { class: "open" }, text) : text);
}

/** A list of which the first are shown, and a button for as many more. make(entry) gives an element. */
function paged(container, entries, make, step, what) {
  let shown = 0;
  const more = h("button", { type: "button", class: "more", onclick: () => show(true) });
  const show = (focus) => {
    const added = entries.slice(shown, shown + step).map(make);
    container.append(...added);
    shown += added.length;
    more.textContent = `Show ${Math.min(step, entries.length - shown).toLocaleString("en")} more of ${count(entries.length, what)}`;
    more.hidden = shown >= entries.length;
    if (focus) (added[0]?.querySelector("button") ?? more).focus();
  };
  show(false);
  return [container, more];
}

/** A line that opens: its details are made when it is opened first. */
function disclosure(line, details, { open = false, key = "", onToggle = () => {} } = {}) {
  const id = `d${++lastId}`;
  const detail = h("div", { id, class: "detail", hidden: true });
  const button = h("button", { type: "button", class: "item", "aria-expanded": "false", "aria-controls": id, "data-key": key }, line);
  const toggle = (opened) => {
    if (opened && !detail.childNodes.length) detail.append(...details().flat().filter((part) => part !== null && part !== ""));
    detail.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
  };
  button.addEventListener("click", () => { toggle(detail.hidden); onToggle(key, !detail.hidden); });
  if (open) toggle(true);
  return h("li", {}, button, detail);
}

/** A value, with those of its members marked that the other side has not. */
function sideOf(value, other, mark, absent) {
  if (value === null || value === undefined) return h("span", { class: "quiet" }, absent);
  if (!Array.isArray(value)) return Array.isArray(other) || value !== other ? h(mark, {}, bdi(value)) : bdi(value);
  const others = new Set(Array.isArray(other) ? other : [other]);
  return h("ul", { class: "members" }, value.map((m) => h("li", {}, others.has(m) ? bdi(m) : h(mark, {}, bdi(m)))));
}

class Parts {
  constructor(model, go) {
    this.model = model;
    this.go = go;
  }

  word(row) {
    return this.model.words.changes[row.word];
  }

  status(host) {
    return this.model.words.statuses[host.status];
  }

  /** The title of an object where it has one. */
  name(row, told) {
    return [h("span", { class: "quiet" }, `${row.kind} `), bdi(row.name, { class: "strong" }),
      row.store ? h("span", { class: "quiet" }, ` (${row.store})`) : "",
      told.renamed ? [h("span", { class: "quiet" }, " to "), bdi(told.renamed)] : "",
      told.title && told.title !== row.name ? [" ", bdi(told.title, { class: "quiet" })] : ""].flat();
  }

  place(told) {
    return told.file ? `${told.file}${told.line ? `:${told.line}` : ""}` : "";
  }

  onHosts(row, hosts) {
    const all = hosts.length === this.model.changes.hosts(row).length;
    if (hosts.length === 1 || (!all && hosts.length <= 4)) return hosts.map((n) => this.model.hosts[n].name).join(", ");
    return all && row.label ? row.label : count(hosts.length, "host");
  }

  properties(table, told, only = () => true) {
    const { found, declared, missing } = this.model.words.sides;
    const rows = told.properties.filter((p) => only(p.name));
    if (!rows.length) return "";
    const sides = [[found, "found", "declared", "del"], [declared, "declared", "found", "ins"]].filter(([, side]) => rows.some((p) => p[side] !== null));
    const cell = (p, [, side, other, mark]) => h("td", {}, sides.length > 1 ? sideOf(p[side], p[other], mark, missing) : sideOf(p[side], p[side]));
    return h("table", {}, h("thead", {}, h("tr", {}, ["property", ...sides.map(([word]) => word)].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, rows.map((p) => h("tr", {}, h("th", { scope: "row" }, p.name), sides.map((side) => cell(p, side))))));
  }

  /** What is told of a change but for its properties. */
  about(told) {
    const terms = [];
    const term = (name, ...content) => { if (content.flat().some((c) => c !== "")) terms.push(h("dt", {}, name), h("dd", {}, ...content.flat())); };
    const { found, declared } = this.model.words.sides;
    const same = JSON.stringify(told.found) === JSON.stringify(told.declared);
    if (told.found.length && told.declared.length && !same) {
      term(found, meaningParts(told.found));
      term(declared, meaningParts(told.declared));
    } else term("what it does", meaningParts(told.declared.length ? told.declared : told.found));
    const defaults = [];
    for (let i = 0; i < told.defaults.length; i += 2) defaults.push(`${told.defaults[i]} ${told.defaults[i + 1]}`);
    term("by default", defaults.join(", "));
    term("why", told.why ? bdi(told.why) : "");
    term("whose it is", told.owner ? bdi(told.owner) : "");
    term("declared at", told.file ? bdi(this.place(told), { class: "mono" }) : "");
    term("task", told.task || told.play ? bdi([told.play, told.task].filter(Boolean).join(" › ")) : "");
    term("expires", told.expires ? bdi(told.expires) : "");
    term("ticket", told.ticket ? bdi(told.ticket) : "");
    term("tags", told.tags.length ? bdi(told.tags.join(", ")) : "");
    return h("dl", {}, terms);
  }

  hostChips(hosts) {
    const chip = (number) => {
      const host = this.model.hosts[number];
      return h("button", { type: "button", onclick: () => this.go({ view: "hosts", q: "", kind: "", action: "", host: host.name, open: `host/${host.name}` }) }, bdi(host.name));
    };
    return paged(h("div", { class: "chips" }), hosts, chip, 60, "host");
  }

  /** Everything about a row: what is the same on all hosts, then what is not. */
  details(table, row, variants) {
    const described = variants.filter(([variant]) => row.patches[variant]);
    const leftOut = variants.length - described.length;
    const left = leftOut ? h("p", { class: "quiet" }, `The details of ${count(leftOut, "variant")} are left out to keep this page small; the JSON document has them.`) : "";
    const ended = table === this.model.changes ? [this.became(row, variants), this.who(row, variants)] : [];
    if (!described.length) return [left, ...ended];
    const told = described.map(([variant, hosts]) => [table.told(table.cells(row, variant)), hosts]);
    const differs = this.differing(told.map(([one]) => one));
    const parts = [this.about(told[0][0]), this.properties(table, told[0][0], (name) => !differs.has(name))];
    if (told.length > 1) parts.push(...this.variantTable(told, differs));
    const hosts = variants.flatMap(([, members]) => members).sort((a, b) => a - b);
    parts.push(left, ...ended, heading(`On ${count(hosts.length, "host")}`), ...this.hostChips(hosts));
    return parts;
  }

  /** The properties that are not the same in all of these. */
  differing(told) {
    const first = new Map(told[0].properties.map((p) => [p.name, JSON.stringify(p)]));
    const found = new Set();
    for (const one of told.slice(1)) {
      const names = new Set(one.properties.map((p) => p.name));
      for (const p of one.properties) if (first.get(p.name) !== JSON.stringify(p)) found.add(p.name);
      for (const name of first.keys()) if (!names.has(name)) found.add(name);
    }
    return found;
  }

  variantTable(told, differs) {
    const columns = [...differs];
    const sorted = [...told].sort((a, b) => b[1].length - a[1].length || a[1][0] - b[1][0]);
    const body = h("tbody", {});
    const other = (one) => columns.length ? "" : [one.title, one.why, this.place(one)].filter(Boolean).join(" · ");
    const make = ([one, hosts]) => h("tr", {}, h("th", { scope: "row" }, hosts.length > 3 ? count(hosts.length, "host") : hosts.map((n) => this.model.hosts[n].name).join(", ")),
      columns.map((name) => {
        const p = one.properties.find((property) => property.name === name);
        return h("td", {}, p ? this.both(p) : h("span", { class: "quiet" }, "as on the others"));
      }), columns.length ? "" : h("td", {}, bdi(other(one))));
    const heads = ["hosts", ...(columns.length ? columns : ["what differs"])].map((t) => h("th", { scope: "col" }, t));
    const table = h("table", {}, h("thead", {}, h("tr", {}, heads)), body);
    const [, more] = paged(body, sorted, make, 50, "variant");
    return [heading(`Not the same everywhere: ${count(told.length, "variant")}`), h("div", { class: "scroll" }, table), more];
  }

  both(p) {
    if (p.found === null || p.declared === null) return sideOf(p.declared ?? p.found, p.declared ?? p.found);
    const [before, between] = this.model.words.drift ? ["is ", ", declared "] : ["", " → "];
    return [before, sideOf(p.found, p.declared, "del", ""), between, sideOf(p.declared, p.found, "ins", "")];
  }

  /** What became of it, where the run wrote. */
  became(row, variants) {
    if (!this.model.words.writes) return "";
    const counted = { proven: [], made: [], "": [] };
    for (const [, hosts] of variants) for (const n of hosts) counted[this.model.became(row, this.model.hosts[n])].push(n);
    const said = [[counted.proven, "✓ made, and proven by a second look, on"], [counted.made, "? made, and not proven, on"], [counted[""], "✗ not made on"]];
    return h("ul", { class: "members" }, said.filter(([hosts]) => hosts.length).map(([hosts, words]) => h("li", {}, `${words} ${hosts.length > 5
      ? count(hosts.length, "host") : hosts.map((n) => this.model.hosts[n].name).join(", ")}`)));
  }

  /** Who made it differ, where somebody asked. */
  who(row, variants) {
    const said = new Map();
    for (const [, hosts] of variants) {
      for (const n of hosts) {
        const text = this.model.whoChanged(row, this.model.hosts[n]);
        if (text) said.set(text, [...(said.get(text) ?? []), this.model.hosts[n].name]);
      }
    }
    if (!said.size) return "";
    const one = ([text, names]) => h("li", {}, bdi(names.length > 5 ? count(names.length, "host") : names.join(", "), { class: "quiet" }), ": ", bdi(text, { class: "mono" }));
    return h("div", {}, heading("Who changed it"), h("ul", { class: "members" }, [...said].map(one)));
  }

  // -- lines

  change(table, { row, variants }, options) {
    const hosts = variants.flatMap(([, members]) => members).sort((a, b) => a - b);
    const told = table.told(table.cells(row, variants[0][0]) ?? table.base(row));
    const line = [h("span", {}, badge(this.word(row))), h("b", {}, this.name(row, told)),
      h("span", {}, meaningParts(this.model.meaning(told)), told.properties.some((p) => p.found !== null && p.declared !== null) ? this.short(told, variants) : ""),
      h("span", { class: "side" }, options.alone || options.headed ? "" : [bdi(this.onHosts(row, hosts)), h("br")], bdi(this.place(told), { class: "mono" }))];
    return disclosure(line, () => this.details(table, row, variants), options);
  }

  /** Which properties differ, in a few words. */
  short(told, variants) {
    if (!told.properties.length) return "";
    const [first, ...rest] = told.properties;
    const plain = (side) => side === null ? this.model.words.sides.missing : Array.isArray(side) ? side.join(", ") : side;
    const cut = (text) => text.length > 60 ? `${text.slice(0, 60)}…` : text;
    const [found, declared] = [cut(plain(first.found)), cut(plain(first.declared))];
    const several = variants.length > 1 ? "" : this.model.words.drift ? ` is ${found}, declared ${declared}` : `: ${found} → ${declared}`;
    const more = rest.length ? ` and ${count(rest.length, "other property", "other properties")}` : "";
    return h("div", { class: "quiet" }, bdi(`${first.name}${several}${more}`));
  }

  host(host, hits, options) {
    const actions = Object.entries(host.words).map(([word, n]) => [this.model.words.changes[word], n]);
    const obstacle = host.obstacles.length && !actions.length ? this.model.obstacles[host.obstacles[0]][2] : "";
    const error = host.error >= 0 ? this.model.reason(host) : obstacle;
    const line = [h("span", {}, badge(this.status(host))), h("b", {}, bdi(host.name, { class: "strong" }), " ", h("span", { class: "quiet" }, bdi(host.groups.join(", ")))),
      h("span", {}, error ? bdi(error) : actions.map(([words, n]) => [badge({ ...words, word: `${words.word} ${n}` }), " "]).flat()),
      h("span", { class: "side" }, `${count(host.declared, "declared", "declared")} · ${host.seconds.toFixed(1)} s`)];
    return disclosure(line, () => this.hostDetails(host), options);
  }

  hostDetails(host) {
    const { model } = this;
    const parts = [];
    if (host.error >= 0) {
      const advice = model.errors[host.error][3];
      parts.push(heading("What happened"), h("p", {}, bdi(model.reason(host), { class: "lines" })), advice ? h("p", {}, "→ ", bdi(advice)) : "");
    }
    if (host.way_back.length) parts.push(heading("The way back: at its console, in PowerShell as administrator, the last written first"), h("pre", {}, host.way_back.join("\n")));
    if (host.obstacles.length) {
      parts.push(heading("Not in force"), ...host.obstacles.map((n) => {
        const [level, profiles, reason, advice, objects] = model.obstacles[n];
        return h("div", {}, badge(model.words.levels[level]), profiles.length && profiles.length < 3 ? ` in ${profiles.join(", ")}: ` : " ", bdi(reason),
          h("p", { class: "quiet" }, bdi(objects.join(", "))), h("p", {}, "→ ", bdi(advice)));
      }));
    }
    if (host.notes.length) {
      parts.push(heading("Mistakes and warnings"), ...host.notes.map((n) => this.note(model.notes[n])),
        host.notes_left ? h("p", { class: "quiet" }, `and ${host.notes_left} more`) : "");
    }
    for (const [table, title] of [[model.changes, model.words.heading], [model.remaining, "What still differs"]]) {
      const changes = model.of(table, host);
      if (!changes.length) continue;
      const list = h("ul", { class: "items" });
      const make = ([row, variant]) => this.change(table, { row, variants: [[variant, [host.number]]] }, { alone: true });
      parts.push(heading(`${title}: ${changes.length.toLocaleString("en")}`), ...paged(list, changes, make, 100, "change"));
    }
    if (host.undeclared) parts.push(h("p", { class: "quiet" }, `${count(host.undeclared, "object")} there that nobody declares.`));
    return parts.length ? parts : [h("p", { class: "quiet" }, "Nothing more to say.")];
  }

  note([severity, where, summary, detail]) {
    return h("div", {}, badge(this.model.words.severities[severity]), " ", where ? bdi(where, { class: "mono" }) : "", " ", bdi(summary, { class: "lines" }),
      detail ? bdi(detail, { class: "lines quiet" }) : "");
  }
}
