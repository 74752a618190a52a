/** What results are measured in. */
export interface Metric {
  readonly key: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly label?: string;
}

export const OPS: Metric = { key: 'perSecond', unit: 'ops/s', better: 'higher' };
export const DOCS: Metric = { key: 'perSecond', unit: 'docs/s', better: 'higher' };
export const TRANSACTIONS: Metric = { key: 'perSecond', unit: 'txns/s', better: 'higher' };
export const P50: Metric = { key: 'p50', unit: 'ms p50', better: 'lower' };
export const P99: Metric = { key: 'p99', unit: 'ms p99', better: 'lower' };
