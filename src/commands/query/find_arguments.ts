import { CommandError } from '../../base/command_error.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { describeValue } from '../../query/describe.ts';
import { Arguments, nonNegative } from '../arguments.ts';
import type { CommandRequest } from '../context.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { FIRST_BATCH_DOCUMENTS } from './cursor_reply.ts';

/** The arguments of `find`. */
export interface Find {
  readonly ns: string;
  filter: Uint8Array;
  sort: Uint8Array | undefined;
  projection: Uint8Array | undefined;
  hint: RawValue | undefined;
  /** Keys of the hinted index between which to look. */
  min: Uint8Array | undefined;
  max: Uint8Array | undefined;
  /** Shows the keys of the index in place of the documents. */
  returnKey: boolean;
  showRecordId: boolean;
  skip: number;
  limit: number;
  batchSize: number;
  singleBatch: boolean;
  tailable: boolean;
  awaitData: boolean;
  noCursorTimeout: boolean;
  /** Matters to views only. */
  allowPartialResults: boolean;
  /** Matters to views only. */
  readOnce: boolean;
  allowDiskUse: boolean | undefined;
  term: number | undefined;
  /** The `let`. */
  variables: Uint8Array | undefined;
  collation: Uint8Array | undefined;
}

/** What is neither a name nor a uuid is told in find's own words. */
export function checkName(request: CommandRequest): void {
  const first = new ElementReader(request.body);
  first.next();
  if (first.type === BSON_TYPE.string || first.type === BSON_TYPE.binData) return;
  const text = `Failed to parse: find: ${describeValue(first)}. 'find' field must be of BSON type string.`;
  throw new CommandError('FailedToParse', text);
}

/** Known to MongoDB and harmless to pass over. */
const IGNORED = new Set(['oplogReplay', 'ntoreturn']);
/** Known to MongoDB and not done here, unless they are off. */
const UNSUPPORTED = new Set(['requestResumeToken', '$_requestResumeToken']);
const UNSUPPORTED_DOCUMENTS = new Set(['$_resumeAfter', '$_startAt']);

/** Throws CommandError for bad arguments. */
export function parseFind(request: CommandRequest, ns: string): Find {
  const find: Find = {
    ns,
    filter: EMPTY_DOCUMENT,
    sort: undefined,
    projection: undefined,
    hint: undefined,
    min: undefined,
    max: undefined,
    returnKey: false,
    showRecordId: false,
    skip: 0,
    limit: Infinity,
    batchSize: FIRST_BATCH_DOCUMENTS,
    singleBatch: false,
    tailable: false,
    awaitData: false,
    noCursorTimeout: false,
    allowPartialResults: false,
    readOnce: false,
    allowDiskUse: undefined,
    term: undefined,
    variables: undefined,
    collation: undefined,
  };
  const args = Arguments.ofCommand('find', request.body);
  while (args.next()) if (!takeDocument(find, args) && !takeNumber(find, args)) takeFlag(find, args);
  if (find.awaitData && !find.tailable) {
    throw new CommandError('FailedToParse', "Cannot set 'awaitData' without also setting 'tailable'");
  }
  if (find.tailable && find.singleBatch) {
    throw new CommandError('BadValue', "cannot use tailable option with the 'singleBatch' option");
  }
  return find;
}

function takeDocument(find: Find, args: Arguments): boolean {
  switch (args.name) {
    case 'filter':
      find.filter = ownDocument(args);
      return true;
    case 'sort':
      find.sort = ownDocument(args);
      return true;
    case 'projection':
      find.projection = ownDocument(args);
      return true;
    case 'hint':
      find.hint = hintOfFind(args);
      return true;
    case 'min':
    case 'max':
      find[args.name] = keyLimit(args);
      return true;
    case 'let':
      find.variables = args.document();
      return true;
    case 'collation':
      find.collation = ownDocument(args);
      return true;
    default:
      if (!UNSUPPORTED_DOCUMENTS.has(args.name)) return false;
      if (!isEmptyDocument(args.document())) args.refuseUnsupported();
      return true;
  }
}

function hintOfFind(args: Arguments): RawValue {
  if (args.value.type === BSON_TYPE.string || args.value.type === BSON_TYPE.object) return args.raw();
  throw new CommandError('FailedToParse', 'hint must be either a string or nested object');
}

/** An empty document is no limit. */
function keyLimit(args: Arguments): Uint8Array | undefined {
  const limit = ownDocument(args);
  return isEmptyDocument(limit) ? undefined : limit;
}

/** Find has its own words for an argument that is no document. */
function ownDocument(args: Arguments): Uint8Array {
  if (args.value.type === BSON_TYPE.object) return args.document();
  const shown = `${args.name}: ${describeValue(args.value)}. '${args.name}' field must be of BSON type object.`;
  throw new CommandError('FailedToParse', `Failed to parse: ${shown}`);
}

function takeNumber(find: Find, args: Arguments): boolean {
  switch (args.name) {
    case 'skip':
      find.skip = nonNegative('Skip', args.value, 'skip');
      return true;
    case 'limit':
      find.limit = nonNegative('Limit', args.value, 'limit') || Infinity;
      return true;
    case 'batchSize':
      find.batchSize = nonNegative('BatchSize', args.value, 'batchSize');
      return true;
    case 'term':
      find.term = args.integer();
      return true;
    default:
      return false;
  }
}

function takeFlag(find: Find, args: Arguments): void {
  switch (args.name) {
    case 'singleBatch':
      find.singleBatch = args.flag();
      return;
    case 'tailable':
      find.tailable = args.flag();
      return;
    case 'awaitData':
      find.awaitData = args.flag();
      return;
    case 'allowDiskUse':
      find.allowDiskUse = args.flag();
      return;
    case 'allowPartialResults':
    case 'noCursorTimeout':
    case 'readOnce':
    case 'returnKey':
    case 'showRecordId':
      find[args.name] = args.flag();
      return;
    default:
      if (IGNORED.has(args.name)) return;
      if (!UNSUPPORTED.has(args.name)) args.refuseUnknown();
      else if (args.flag()) args.refuseUnsupported();
  }
}
