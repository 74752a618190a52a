/** Latencies in ms. All are kept, so a percentile is a measured value and not a bucket's edge. */
export class Latencies {
  #values = new Float32Array(1 << 14);
  #count = 0;

  add(ms: number): void {
    if (this.#count === this.#values.length) this.#grow();
    this.#values[this.#count++] = ms;
  }

  get count(): number {
    return this.#count;
  }

  /** In ms; throws when nothing was measured. */
  summary(): { p50: number; p99: number } {
    if (this.#count === 0) throw new Error('nothing was measured: the window was too short');
    const sorted = this.#values.slice(0, this.#count).sort();
    return { p50: nearestRank(sorted, 0.5), p99: nearestRank(sorted, 0.99) };
  }

  #grow(): void {
    const grown = new Float32Array(this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }
}

function nearestRank(sorted: Float32Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
