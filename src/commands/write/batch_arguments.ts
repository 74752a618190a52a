/** The arguments that insert, update and delete have alike. */
import { documentSize } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Arguments } from '../arguments.ts';
import type { CommandRequest } from '../context.ts';
import type { StatementIds } from './write_batch.ts';

export class BatchArguments implements StatementIds {
  readonly ns: string;
  ordered = true;
  /** The `stmtId` and the `stmtIds`. */
  first: number | undefined = undefined;
  list: readonly number[] | undefined = undefined;
  bypassesValidation = false;
  /** The `collectionUUID`. */
  uuid: RawValue | undefined = undefined;

  constructor(ns: string) {
    this.ns = ns;
  }

  /** Takes the argument that `args` is at; false when it is none of these. */
  take(args: Arguments): boolean {
    if (args.name === 'ordered') this.ordered = args.bool();
    else if (args.name === 'stmtId') this.first = args.int32();
    else if (args.name === 'stmtIds') this.list = args.int32List();
    else if (args.name === 'bypassDocumentValidation') this.bypassesValidation = args.flag();
    else if (args.name === 'collectionUUID') this.uuid = args.uuid();
    else return false;
    return true;
  }
}

/** The documents of a sequence as views; undefined when the request has none of that name. */
export function statementDocuments(request: CommandRequest, name: string): Uint8Array[] | undefined {
  const sequence = request.sequences.find((one) => one.name === name);
  if (sequence === undefined) return undefined;
  const documents: Uint8Array[] = [];
  let at = sequence.start;
  while (at < sequence.end) {
    const size = documentSize(sequence.bytes, at);
    documents.push(sequence.bytes.subarray(at, at + size));
    at += size;
  }
  return documents;
}
