// The page: filters, the choice of view, and their state in the address.

const EMPTY = { view: "changes", by: "hosts", columns: "", q: "", host: "", group: "", kind: "", action: "", status: "", wide: "", open: "" };
const VIEWS = { changes: "Changes", hosts: "Hosts", table: "Table" };
const TROUBLES = "What went wrong, and what is not in force";
const MANY_COLUMNS = 40; // hosts; of more the table begins with groups
const MAX_PRINTED = 500; // objects, and hosts, whose details are printed

class Page {
  constructor(model, element) {
    Object.assign(this, { model, element, state: { ...EMPTY }, open: new Set() });
    this.parts = new Parts(model, (changes) => this.set(changes));
    this.by = groupings(this.parts);
    this.controls = this.makeControls();
    this.counted = h("p", { class: "count", role: "status" });
    this.content = h("div", {});
    element.append(h("form", { class: "panel tools", role: "search", "aria-label": "Filter", onsubmit: (event) => event.preventDefault() },
      ...this.controls, this.counted), this.content);
    addEventListener("hashchange", () => this.read());
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => this.draw());
    this.read();
  }

  // -- controls

  makeControls() {
    const { model } = this;
    const used = (values) => [...new Set(values)];
    const words = used(model.changes.rows.map((row) => row.word)).map((w) => [w, `${model.words.changes[w].sign} ${model.words.changes[w].word}`]);
    const statuses = used(model.hosts.map((host) => host.status)).map((s) => [s, `${model.words.statuses[s].sign} ${model.words.statuses[s].word}`]);
    const kinds = used(model.changes.rows.map((row) => row.kind)).sort().map((kind) => [kind, kind]);
    this.inputs = {
      q: h("input", { type: "search", name: "q", placeholder: "name, address, task …", autocomplete: "off", spellcheck: "false" }),
      host: h("input", { type: "search", name: "host", list: "host-names", autocomplete: "off", spellcheck: "false", size: "14" }),
      group: this.choice("group", [...model.groups.keys()].map((name) => [name, name])),
      kind: this.choice("kind", kinds), action: this.choice("action", words), status: this.choice("status", statuses),
      wide: h("input", { type: "checkbox", name: "wide" }),
      by: this.choice("by", Object.entries(this.by).map(([name, [word]]) => [name, word]), null),
      columns: this.choice("columns", [["hosts", "hosts"], ["groups", "groups"]], null),
    };
    let waits = 0;
    const valueOf = (input) => input.type === "checkbox" ? (input.checked ? "yes" : "") : input.value;
    const said = () => Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, valueOf(input)]));
    for (const input of Object.values(this.inputs)) {
      input.addEventListener("input", () => {
        clearTimeout(waits);
        waits = setTimeout(() => this.set({ ...said(), open: "" }), input.type === "search" ? 120 : 0);
      });
    }
    const label = (text, name, more = {}) => h("label", more, text, this.inputs[name]);
    this.viewButtons = Object.entries(VIEWS).map(([view, word]) => h("button", { type: "button", "data-view": view, onclick: () => this.set({ view, open: "" }) }, word));
    this.labels = { by: label("group by", "by"), columns: label("columns", "columns") };
    const offered = ["group", "kind", "action", "status"].filter((name) => this.inputs[name].options.length > 2);
    return [h("div", { class: "controls" }, h("div", { class: "controls views", role: "group", "aria-label": "View" }, this.viewButtons), this.labels.by, this.labels.columns,
      h("button", { type: "button", onclick: () => { this.open.clear(); this.set({ ...EMPTY, view: this.state.view }); } }, "Clear filter")),
    h("div", { class: "controls" }, label("search", "q", { class: "search" }), label("host", "host"),
      h("datalist", { id: "host-names" }, model.hosts.slice(0, 1000).map((host) => h("option", { value: host.name }))), ...offered.map((name) => label(name, name)),
      h("label", { class: "check" }, this.inputs.wide, "open to anybody"))];
  }

  choice(name, values, any = "any") {
    return h("select", { name }, any === null ? [] : h("option", { value: "" }, any), values.map(([value, word]) => h("option", { value }, word)));
  }

  // -- state

  /** Take over what the address says. */
  read() {
    const said = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    this.state = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, said[name] ?? EMPTY[name]]));
    if (!(this.state.view in VIEWS)) this.state.view = EMPTY.view;
    if (!(this.state.by in this.by)) this.state.by = EMPTY.by;
    if (this.state.open) this.open.add(this.state.open);
    this.draw();
  }

  set(changes) {
    Object.assign(this.state, changes);
    if (changes.open) this.open.add(changes.open);
    const said = Object.entries(this.state).filter(([name, value]) => value !== EMPTY[name]);
    const hash = new URLSearchParams(said).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    this.draw();
    if (changes.open) {
      const opened = this.content.querySelector(`[data-key="${CSS.escape(changes.open)}"]`);
      opened?.scrollIntoView({ block: "center" });
      opened?.focus({ preventScroll: true });
    }
  }

  // -- what is shown

  draw() {
    const { state, model } = this;
    for (const [name, input] of Object.entries(this.inputs)) {
      if (input.type === "checkbox") input.checked = Boolean(state[name]);
      else if (input.value !== state[name]) input.value = state[name];
    }
    for (const button of this.viewButtons) button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
    this.labels.by.hidden = state.view !== "changes";
    this.labels.columns.hidden = state.view !== "table" || !model.groups.size;
    const selected = model.select(state);
    this.counted.textContent = `${count(selected.rows.length, "object")} of ${model.changes.rows.length.toLocaleString("en")}, `
      + `${count(selected.hosts.length, "host")} of ${model.hosts.length.toLocaleString("en")} ${selected.rows.length || selected.hosts.length ? "shown" : "match the filter"}`;
    const toggled = (key, opened) => { this.open[opened ? "add" : "delete"](key); this.remember(opened ? key : ""); };
    const isOpen = (key) => this.open.has(key);
    const views = {
      changes: () => this.section(model.words.heading, selected.rows.length ? changeList(this.parts, selected, this.by[state.by][1], state.by === "hosts", isOpen, toggled) : this.nothing()),
      hosts: () => this.section("Hosts", selected.hosts.length ? hostList(this.parts, selected, isOpen, toggled) : this.nothing()),
      table: () => this.table(selected),
    };
    const troubles = state.view === "changes" ? troubleList(this.parts, selected.hosts) : [];
    const wrong = troubles.length ? [this.section(TROUBLES, h("ul", { class: "items" }, troubles))] : [];
    this.content.replaceChildren(...wrong, views[state.view]());
    this.grid?.begin();
    this.grid = null;
  }

  /** Have the address name what was opened last, without a new look at everything. */
  remember(open) {
    this.state.open = open;
    const said = Object.entries(this.state).filter(([name, value]) => value !== EMPTY[name]);
    const hash = new URLSearchParams(said).toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  section(title, content) {
    return h("section", {}, h("h2", {}, title), content);
  }

  nothing() {
    const none = this.model.changes.rows.length === 0 && this.state.view === "changes";
    return h("p", { class: "quiet" }, none ? "There is nothing to show: no object differs." : "Nothing matches this filter.");
  }

  table(selected) {
    const { model, state } = this;
    const hosts = selected.hosts.filter((host) => selected.hits[host.number] || host.error >= 0);
    if (!selected.rows.length || !hosts.length) return this.section("Table", this.nothing());
    const byGroup = model.groups.size && (state.columns || (hosts.length > MANY_COLUMNS ? "groups" : "hosts")) === "groups";
    this.inputs.columns.value = byGroup ? "groups" : "hosts";
    const shown = new Set(hosts.map((host) => host.number));
    const grouped = () => {
      const within = [...model.groups].map(([title, members]) => ({ title, hosts: [...members].filter((n) => shown.has(n)) })).filter((c) => c.hosts.length);
      const others = [...shown].filter((n) => !model.hosts[n].groups.length);
      return others.length ? [...within, { title: "no group", hosts: others }] : within;
    };
    const columns = byGroup ? grouped() : hosts.map((host) => ({ title: host.name, hosts: [host.number], host }));
    const act = ({ row }, column) => this.set({ view: "changes", host: column.host ? column.host.name : state.host, group: column.host ? state.group : model.groups.has(column.title) ? column.title : "", open: row.key });
    this.grid = new Grid(this.parts, selected.rows, columns, act);
    const words = [...new Set(selected.rows.map(({ row }) => row.word))].map((word) => h("li", {}, badge(model.words.changes[word])));
    if (!byGroup && hosts.some((host) => host.error >= 0)) words.push(h("li", {}, badge({ sign: "?", word: "not known: the host failed or was not reached", tone: "quiet" })));
    if (model.words.writes) words.push(h("li", {}, badge({ sign: "✗", word: "not made", tone: "error" })));
    if (byGroup) words.push(h("li", { class: "quiet" }, "a number: on how many hosts of the group"));
    return this.section("Table", [h("ul", { class: "legend" }, words), this.grid.element]);
  }

  /** Everything that the filter leaves, opened; of very much the beginning, and how much is left. */
  print() {
    const { model, parts, state } = this;
    const selected = model.select(state);
    const list = (entries, make, what) => [h("ul", { class: "items" }, entries.slice(0, MAX_PRINTED).map(make)),
      entries.length > MAX_PRINTED ? h("p", {}, `and ${count(entries.length - MAX_PRINTED, what)} more: print with a filter`) : ""];
    const open = { open: true };
    this.content.replaceChildren(
      this.section(model.words.heading, list(selected.rows, (one) => parts.change(model.changes, one, open), "object")),
      this.section("Hosts", list(selected.hosts, (host) => parts.host(host, selected.hits[host.number], open), "host")));
  }
}

/** Light, dark, or as the system has it; kept where the browser lets a page keep something. */
function themeButton() {
  const order = ["", "dark", "light"], words = { "": "◐ as the system", dark: "● dark", light: "○ light" };
  const remember = (theme) => { try { localStorage.setItem("ringfence-theme", theme); } catch { /* a file, or a sandbox */ } };
  let theme = "";
  try { theme = localStorage.getItem("ringfence-theme") ?? ""; } catch { /* the same */ }
  const button = h("button", { type: "button", onclick: () => { theme = order[(order.indexOf(theme) + 1) % 3]; remember(theme); show(); } });
  const show = () => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    button.textContent = words[theme] ?? words[""];
    button.setAttribute("aria-label", `Colours: ${(words[theme] ?? words[""]).slice(2)}`);
  };
  show();
  return button;
}

async function start() {
  const controls = document.getElementById("page-controls");
  controls.append(themeButton(), h("button", { type: "button", onclick: () => print() }, "Print"));
  controls.hidden = false;
  const model = new Model(await readData(document.getElementById("data")));
  if (model.hosts.length) {
    const app = document.getElementById("app");
    app.hidden = false; // what is hidden has no width, and the table needs it
    new Page(model, app);
    document.getElementById("plain").hidden = true;
  }
  document.documentElement.dataset.ready = "true";
  performance.mark("ready");
}

start().catch((error) => {
  // the tables without JavaScript stay
  document.getElementById("plain").prepend(h("p", { role: "alert" }, `This browser cannot show more than these tables: ${error.message}`));
  console.error(error);
});
