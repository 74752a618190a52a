/**
 * Conditions that only one kind of index can answer, as `$text` and `$near`: each has a planner here, which is asked
 * before all others, and a way of its own through the index.
 */
import type { Timestamp } from '../../base/optime.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { Collection } from '../catalog/collection.ts';
import type { Index } from '../index/index.ts';
import type { RecordScan, ScanTarget } from '../scan/record_scan.ts';

/** What a planner is told. */
export interface SpecialRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  /** The index that was hinted at, if any. */
  readonly hint: Index | undefined;
  /** Of whatever was hinted at, also if there is no such index; a sort by `$natural` is a hint. */
  readonly hintKind: 'natural' | 'index' | 'unknown' | undefined;
  readonly at: Timestamp;
}

/** A way through an index that knows more than ranges of keys. */
export interface SpecialAccess {
  readonly kind: 'special';
  readonly index: Index;
  /** Whether records come in an order that the condition itself asks for: then they are not sorted again. */
  readonly isOrdered: boolean;
  /** Records that match the whole filter; `request.matcher` is applied by the scan. */
  open(request: ScanTarget): RecordScan;
  /** Writes the stage as explain shows it (`stage`, `inputStage` and so on) into the document that is open. */
  explain(writer: BsonWriter): void;
}

export interface SpecialPlanner {
  /** Whether the filter has the condition: then this planner decides, or refuses. */
  claims(filter: CompiledFilter): boolean;
  /** Throws CommandError (27, 291) when there is no index for it. */
  plan(request: SpecialRequest): SpecialAccess;
}
