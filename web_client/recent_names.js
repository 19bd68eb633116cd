// Pure: names that were met lately. Only so many are kept, however long a call lasts.

export class RecentNames {
  /** @param {number} limit the oldest give way */
  constructor(limit) {
    this.limit = limit;
    /** @type {Set<string>} in the order in which they came */
    this.names = new Set();
  }

  /** @param {string} name */
  has(name) {
    return this.names.has(name);
  }

  /** @param {string} name */
  add(name) {
    this.names.add(name);
    if (this.names.size > this.limit) this.names.delete(this.names.values().next().value ?? "");
  }
}
