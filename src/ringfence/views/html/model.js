// What the page knows: the data as html_data.py writes it, and what of it a filter leaves. Nothing here touches the page.

async function readData(element) {
  const text = element.textContent;
  if (element.dataset.encoding !== "gzip") return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Members of a set of hosts: [first, how many, …] -> [number, …]. */
function membersOf(runs) {
  const found = [];
  for (let i = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i + 1]; n++) found.push(runs[i] + n);
  return found;
}

/** The cells that a patch, [number, cell, …], makes of others; -1 says how many there are. */
function patched(base, patch) {
  const cells = base.slice();
  for (let i = 0; i < patch.length; i += 2) {
    if (patch[i] < 0) cells.length = patch[i + 1];
    else cells[patch[i]] = patch[i + 1];
  }
  return cells;
}

class Table {
  constructor(data, fields) {
    Object.assign(this, { fields, families: data.families, sets: data.sets.map(membersOf) });
    this.rows = data.rows.map(([kind, store, name, word, family, patch, sets, patches, label], number) =>
      ({ number, kind, store, name, word, family, patch, sets, patches, label, key: [kind, store, name, word].join("/") }));
  }

  /** The cells of the first variant of a row: kept, for searching asks for them again; null where they are left out. */
  base(row) {
    return row.cells ??= row.patch ? patched(this.families[row.family], row.patch) : null;
  }

  /** The cells of one variant of a row; null where it is not described. */
  cells(row, variant) {
    return row.patches[variant] && this.base(row) ? patched(this.base(row), row.patches[variant]) : null;
  }

  /** Named members of cells, and the properties behind them; of a change whose cells are left out nothing. */
  told(cells) {
    if (!cells) return { found: [], declared: [], defaults: [], tags: [], properties: [] };
    const found = Object.fromEntries(this.fields.map((field, i) => [field, cells[i]]));
    found.properties = [];
    for (let i = this.fields.length; i < cells.length; i += 3) {
      found.properties.push({ name: cells[i], found: cells[i + 1], declared: cells[i + 2] });
    }
    return found;
  }

  /** Every host of a row: [number, …] in order. */
  hosts(row) {
    return row.sets.length === 1 ? this.sets[row.sets[0]] : row.sets.flatMap((set) => this.sets[set]).sort((a, b) => a - b);
  }

  /** {host: number of the variant} of a row. */
  variants(row) {
    row.variants ??= new Map(row.sets.flatMap((set, variant) => this.sets[set].map((host) => [host, variant])));
    return row.variants;
  }
}

class Model {
  constructor(data) {
    this.words = data.words;
    this.head = data.head;
    this.hosts = data.hosts.map((cells, number) => ({ number, ...Object.fromEntries(data.host_fields.map((f, i) => [f, cells[i]])) }));
    this.groups = new Map(data.groups.map(([name, runs]) => [name, new Set(membersOf(runs))]));
    this.changes = new Table(data.changes, data.fields);
    this.remaining = new Table(data.remaining, data.fields);
    Object.assign(this, { notes: data.notes, obstacles: data.obstacles, errors: data.errors, who: data.who });
    for (const host of this.hosts) {
      host.groups = [...this.groups].filter(([, members]) => members.has(host.number)).map(([name]) => name);
    }
  }

  /** Why a host failed, in one text. */
  reason(host) {
    const [, summary, detail] = this.errors[host.error];
    return detail ? `${summary}: ${detail}` : summary;
  }

  /** What is said of a host itself, to be searched. */
  textOf(host) {
    return host.text ??= [host.name, ...host.groups, ...this.said(host)].join("\n").toLowerCase();
  }

  said(host) {
    return [...(host.error >= 0 ? this.errors[host.error] : []), ...host.notes.flatMap((n) => this.notes[n]),
      ...host.obstacles.flatMap((n) => this.obstacles[n].flat()), ...host.way_back].map(String);
  }

  /** The changes of a host in a table: [[row, variant], …]. */
  of(table, host) {
    if (!table.ofHosts) {
      table.ofHosts = this.hosts.map(() => []);
      for (const row of table.rows) {
        row.sets.forEach((set, variant) => { for (const h of table.sets[set]) table.ofHosts[h].push([row, variant]); });
      }
    }
    return table.ofHosts[host.number];
  }

  /** What became of a change on a host: "made", "proven" or "". */
  became(row, host) {
    const among = (which) => which === 1 || (Array.isArray(which) && which.includes(row.number));
    return among(host.proven) ? "proven" : among(host.made) ? "made" : "";
  }

  /** What an object does: as it is found where the page tells of that, else as it is to be; or the other. */
  meaning({ found, declared }) {
    const [first, second] = this.words.drift ? [found, declared] : [declared, found];
    return first.length ? first : second;
  }

  /** Whether a variant of a row lets everybody or everything through: as `meaning` shows it, in every second piece. */
  isOpen(row, variant) {
    const cells = this.changes.cells(row, variant);
    return cells !== null && this.meaning(this.changes.told(cells)).length > 1;
  }

  /** Who made an object differ on a host, as far as that is known; else "". */
  whoChanged(row, host) {
    for (let i = 0; i < host.who.length; i += 2) if (host.who[i] === row.number || host.who[i] === -1) return this.who[host.who[i + 1]];
    return "";
  }

  /** What a filter leaves: {rows: [{row, variants: [[variant, hosts]], hosts: number}], hosts: [host]}. */
  select({ q, host, group, kind, action, status, wide }) {
    const tokens = q.toLowerCase().split(/\s+/).filter(Boolean);
    const members = group ? this.groups.get(group) ?? new Set() : null;
    const named = host.toLowerCase();
    const within = this.hosts.map((h) => (!members || members.has(h.number)) && (!status || h.status === status)
      && (!named || h.name.toLowerCase().includes(named)));
    const all = within.every(Boolean);
    const byName = tokens.map((token) => this.hosts.map((h) => h.name.toLowerCase().includes(token)
      || h.groups.some((group) => group.toLowerCase() === token)));
    const rows = [], hits = new Uint32Array(this.hosts.length);
    for (const row of this.changes.rows) {
      if ((kind && row.kind !== kind) || (action && row.word !== action)) continue;
      const variants = [];
      let total = 0;
      const found = tokens.length ? this.matched(row, tokens) : [];
      row.sets.forEach((set, variant) => {
        const rest = tokens.length ? this.unmatched(row, variant, tokens, found) : [];
        let hosts = this.changes.sets[set];
        if (!all || rest.length) hosts = hosts.filter((h) => within[h] && rest.every((t) => byName[t][h]));
        if (!hosts.length || (wide && !this.isOpen(row, variant))) return;
        variants.push([variant, hosts]);
        total += hosts.length;
        for (const h of hosts) hits[h] += 1;
      });
      if (total) rows.push({ row, variants, hosts: total });
    }
    const ofChanges = kind || action || wide;
    const hosts = this.hosts.filter((h) => within[h.number] && (hits[h.number]
      || (!ofChanges && tokens.every((token) => this.textOf(h).includes(token)))));
    return { rows, hosts, hits };
  }

  /** Which tokens (their numbers) a variant of a row does not contain. found: for each token "" where the head of the row has it,
   *  else the numbers of the cells that do. */
  unmatched(row, variant, tokens, found) {
    const patch = row.patches[variant];
    return tokens.flatMap((token, i) => {
      if (found[i] === ALL) return [];
      if (!patch) return [i];
      const own = new Set();
      for (let n = 0; n < patch.length; n += 2) {
        if (textOf(patch[n + 1]).includes(token)) return [];
        own.add(patch[n]);
      }
      return found[i].some((cell) => !own.has(cell)) ? [] : [i];
    });
  }

  /** For each token ALL where every variant of a row has it, else the numbers of the cells of its first that have it. */
  matched(row, tokens) {
    row.head ??= [row.kind, row.store, row.name, this.words.changes[row.word].word].join("\n").toLowerCase();
    row.texts ??= (this.changes.base(row) ?? []).map(textOf);
    return tokens.map((token) => row.head.includes(token) ? ALL : row.texts.flatMap((text, i) => text.includes(token) ? [i] : []));
  }
}

const ALL = "all";
const textOf = (cell) => (Array.isArray(cell) ? cell.join(" ") : String(cell ?? "")).toLowerCase();
