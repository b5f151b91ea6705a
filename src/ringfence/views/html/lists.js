// The lists: what differs, under the hosts that it is on; what went wrong on hosts; and hosts.

const STEP = 200; // entries that are made at once

/** What differs, under headings: `by` gives the heading of a change; headed: it tells the hosts. */
function changeList(parts, selected, by, headed, isOpen, onToggle) {
  const groups = new Map();
  for (const one of selected.rows) {
    const heading = by(one);
    if (!groups.has(heading)) groups.set(heading, []);
    groups.get(heading).push(one);
  }
  const make = (one) => parts.change(parts.model.changes, one, { open: isOpen(one.row.key), key: one.row.key, onToggle, headed });
  if (groups.size > STEP) headed = false;
  if (groups.size > STEP) return paged(h("ul", { class: "items" }), selected.rows, make, STEP, "object"); // a heading for each says nothing
  const sorted = [...groups].sort(([, a], [, b]) => b[0].hosts - a[0].hosts || a[0].row.number - b[0].row.number);
  return sorted.flatMap(([heading, rows]) => [
    h("h3", {}, bdi(heading), h("span", { class: "quiet" }, ` · ${count(rows.length, "object")}`)),
    ...paged(h("ul", { class: "items" }), rows, make, STEP, "object"),
  ]);
}

/** What the changes can be grouped by: {name: [word, heading of one]}. */
function groupings(parts) {
  const { model } = parts;
  return {
    hosts: ["hosts concerned", ({ row, variants }) => parts.onHosts(row, variants.flatMap(([, members]) => members))],
    kind: ["kind of object", ({ row }) => row.kind],
    action: ["what is done", ({ row }) => parts.word(row).word],
    file: ["file", ({ row }) => (model.changes.base(row) ?? [])[model.changes.fields.indexOf("file")] || "declared nowhere"],
  };
}

function hostList(parts, selected, isOpen, onToggle) {
  const make = (host) => parts.host(host, selected.hits[host.number], { open: isOpen(`host/${host.name}`), key: `host/${host.name}`, onToggle });
  return paged(h("ul", { class: "items" }), selected.hosts, make, STEP, "host");
}

/** Why hosts failed, and what is not in force on them: each reason once, with its hosts. */
function troubleList(parts, hosts) {
  const { model } = parts, groups = new Map();
  const add = (key, group, host, detail) => {
    if (!groups.has(key)) groups.set(key, { ...group, hosts: [], details: [] });
    groups.get(key).hosts.push(host.number);
    groups.get(key).details.push(detail);
  };
  for (const host of hosts) {
    if (host.error >= 0) {
      const [kind, summary, detail, advice] = model.errors[host.error];
      add(`${host.status} ${kind || summary}`, { words: parts.status(host), title: summary, advice }, host, detail);
    }
    for (const n of host.obstacles) {
      const [level, , reason, advice, objects] = model.obstacles[n];
      if (level !== "note") add(`obstacle ${n}`, { words: model.words.levels[level], title: reason, advice }, host, objects.join(", "));
    }
  }
  return [...groups.values()].map((group) => {
    const { words, title, advice, details } = group;
    const names = group.hosts.map((n) => model.hosts[n].name);
    const same = details.every((detail) => detail === details[0]);
    const line = [h("span", {}, badge(words)), h("b", {}, bdi(title)), h("span", {}, same && details[0] ? bdi(details[0], { class: "quiet" }) : ""),
      h("span", { class: "side" }, bdi(names.length > 5 ? count(names.length, "host") : names.join(", ")))];
    const rows = names.map((name, i) => [name, details[i]]);
    const row = ([name, detail]) => h("tr", {}, h("th", { scope: "row" }, bdi(name)), h("td", {}, bdi(detail)));
    const said = () => {
      if (same) return [];
      const [body, more] = paged(h("tbody", {}), rows, row, 50, "host");
      return [h("table", {}, body), more];
    };
    return disclosure(line, () => [advice ? h("p", {}, "→ ", bdi(advice)) : "", ...said(), heading(`On ${count(names.length, "host")}`), ...parts.hostChips(group.hosts)]);
  });
}
