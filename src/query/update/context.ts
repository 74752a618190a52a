/** What goes into an update besides the document, and what comes out. */
import type { Timestamp } from '../../base/optime.ts';
import type { UnixMs } from '../../base/units.ts';
import type { CompiledFilter } from '../matcher.ts';

/** What an update may need from outside while it is applied. */
export interface UpdateContext {
  readonly now: UnixMs;
  /** A fresh cluster time, for `$currentDate` with `$type: "timestamp"` and null timestamps in replacements. */
  timestamp(): Timestamp;
  /** Null timestamps in replacements stay as they are. */
  readonly keepsEmptyTimestamps?: boolean | undefined;
  /** 12 fresh bytes, for the `_id` of an upserted document. */
  objectId(): Uint8Array;
  /** The filter that chose the document; the positional `$` needs it. */
  readonly filter?: CompiledFilter | undefined;
}

export type UpdateResult =
  | { readonly kind: 'noop' }
  /** `diff` is the whole `{$v: 2, diff: {…}}` document; undefined when the oplog must carry the new document itself. */
  | { readonly kind: 'changed'; readonly document: Uint8Array; readonly diff: Uint8Array | undefined };
