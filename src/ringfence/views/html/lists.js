// The two lists: what differs, under the hosts that it is on; and hosts.

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
