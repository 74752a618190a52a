/** What stages about the state of the server ask for; whoever runs pipelines answers with documents. */

export type SystemRequest =
  | CollStatsRequest
  | CurrentOpRequest
  | { readonly kind: 'indexStats'; readonly ns: string }
  | { readonly kind: 'planCacheStats'; readonly ns: string }
  | { readonly kind: 'localSessions' };

export interface CollStatsRequest {
  readonly kind: 'collStats';
  readonly ns: string;
  readonly latencyStats?: { readonly histograms: boolean };
  readonly storageStats?: { readonly scale: number };
  readonly count?: boolean;
  readonly queryExecStats?: boolean;
}

export interface CurrentOpRequest {
  readonly kind: 'currentOp';
  readonly idleConnections: boolean;
  readonly idleCursors: boolean;
}

/** Throws CommandError, as for a collection that is not there. */
export type ListSystemDocuments = (request: SystemRequest) => readonly Uint8Array[];
