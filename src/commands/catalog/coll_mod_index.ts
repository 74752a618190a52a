/** The `index` of a collMod: which index, what of it, and what has to hold before it is unique. */
import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { equalBytes, fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { isPreparedUnique, type Index } from '../../database/index/index.ts';
import { isIdKey } from '../../database/index/index_spec.ts';
import { idOf } from '../../database/insertable.ts';
import { RECORD_ID_BYTES } from '../../database/record_id.ts';
import { Turn } from '../../database/turn.ts';
import { describeDocument } from '../../query/describe.ts';
import { Arguments } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { runToEnd } from '../query/cursor_reply.ts';

export interface IndexChangeRequest {
  name: string | undefined;
  keyPattern: Uint8Array | undefined;
  expireAfterSeconds: RawValue | undefined;
  hidden: boolean | undefined;
  prepareUnique: boolean | undefined;
  unique: true | undefined;
}

const EXPIRE_AFTER = fieldName('expireAfterSeconds');
const EXPIRE_AFTER_SECONDS_MAX = 0x7fff_ffff;

export function parseIndexChange(document: Uint8Array): IndexChangeRequest {
  const change: IndexChangeRequest = {
    name: undefined,
    keyPattern: undefined,
    expireAfterSeconds: undefined,
    hidden: undefined,
    prepareUnique: undefined,
    unique: undefined,
  };
  const args = Arguments.ofDocument('collMod.index', document, 0);
  while (args.next()) {
    if (args.name === 'name') change.name = args.string();
    else if (args.name === 'keyPattern') change.keyPattern = args.document();
    else if (args.name === 'expireAfterSeconds') change.expireAfterSeconds = expiry(args);
    else if (args.name === 'hidden' || args.name === 'prepareUnique') change[args.name] = args.flag();
    else if (args.name === 'unique') change.unique = onlyTrue(args);
    else if (args.name === 'forceNonUnique') args.refuseUnsupported();
    else args.refuseUnknown();
  }
  const { name, keyPattern, expireAfterSeconds, hidden, prepareUnique, unique } = change;
  if (name !== undefined && keyPattern !== undefined) throw invalid('Cannot specify both key pattern and name.');
  if (name === undefined && keyPattern === undefined) throw invalid('Must specify either index name or key pattern.');
  const wanted = [expireAfterSeconds, hidden, prepareUnique, unique];
  if (wanted.every((one) => one === undefined)) {
    throw invalid('no expireAfterSeconds, hidden, unique, or prepareUnique field');
  }
  return change;
}

function invalid(text: string): CommandError {
  return new CommandError('InvalidOptions', text);
}

function expiry(args: Arguments): RawValue {
  const seconds = args.integer();
  if (seconds < 0) throw invalid("TTL index 'expireAfterSeconds' option cannot be less than 0");
  if (seconds > EXPIRE_AFTER_SECONDS_MAX) {
    throw invalid("TTL index 'expireAfterSeconds' option must be within an acceptable range, try a lower number");
  }
  return args.raw();
}

function onlyTrue(args: Arguments): true {
  if (args.flag()) return true;
  throw new CommandError('BadValue', "BSON field 'collMod.index.unique' cannot be false");
}

export interface ChangeSteps {
  readonly context: CommandContext;
  readonly reply: BsonWriter;
  readonly isDryRun: boolean;
  /** Logs and carries out: the change as it is logged, and what of the index was there before. */
  readonly write: (logged: Uint8Array | undefined, before: Uint8Array | undefined) => void;
}

/** Checks the change against the index it is about, and then makes it. */
export function changeOf(
  collection: Collection,
  change: IndexChangeRequest,
  steps: ChangeSteps,
): Promise<void> | undefined {
  const index = indexOf(collection, change);
  if (change.expireAfterSeconds !== undefined) checkExpiry(index);
  if (change.unique !== true || index.spec.isUnique) {
    make(index, change, steps);
    return undefined;
  }
  if (!isPreparedUnique(index.spec)) {
    const text = 'Cannot convert the index to unique without first enabling prepareUnique';
    throw invalid(`${text}: ${describeDocument(index.spec.key)}`);
  }
  const search = new DuplicateSearch(collection, index, new Turn(steps.context.env.clock));
  const finish = (): void => {
    if (search.violations.length > 0) throw cannotConvert(search.violations);
    if (!steps.isDryRun) make(index, change, steps);
  };
  const waiting = runToEnd(
    () => search.advance(),
    steps.context,
    () => search.resume(),
  );
  if (waiting === undefined) finish();
  return waiting?.then(finish);
}

function indexOf(collection: Collection, { name, keyPattern, hidden }: IndexChangeRequest): Index {
  const isId = name === '_id_' || (keyPattern !== undefined && isIdKey(keyPattern));
  if (isId && hidden !== undefined) throw new CommandError('BadValue', "can't hide _id index");
  if (isId) throw invalid('the _id field does not support that option');
  const found = collection.indexes.filter(({ spec }) =>
    keyPattern === undefined ? spec.name === name : compareDocuments(spec.key, 0, keyPattern, 0) === 0,
  );
  const shown = keyPattern === undefined ? name : describeDocument(keyPattern);
  if (found.length === 0) {
    throw new CommandError('IndexNotFound', `cannot find index ${shown} for ns ${collection.ns}`);
  }
  if (found.length === 1) return found[0];
  const conflicts = found.map(({ spec }) => describeDocument(spec.document)).join(', ');
  const text = `index keyPattern ${shown} matches ${found.length} indexes, must use index name. Conflicting indexes:${conflicts}`;
  throw new CommandError('AmbiguousIndexKeyPattern', text);
}

function checkExpiry({ spec }: Index): void {
  if (spec.fields.length > 1 || spec.kind.name !== 'btree') {
    throw invalid('TTL indexes are single-field indexes, compound indexes do not support TTL');
  }
}

/** What changes nothing is neither logged as a change of the index nor told, but for the time of expiry. */
function make(index: Index, change: IndexChangeRequest, { reply, write }: ChangeSteps): void {
  const { spec } = index;
  const logged = new BsonWriter().startDocument().string('name', spec.name);
  const before = new BsonWriter().startDocument();
  let hasChange = false;
  const { expireAfterSeconds } = change;
  if (expireAfterSeconds !== undefined) {
    const old = findField(spec.document, EXPIRE_AFTER);
    if (old !== undefined) {
      reply.value('expireAfterSeconds_old', old);
      before.int64('expireAfterSeconds', Math.trunc(numberOf(old)));
    }
    reply.value('expireAfterSeconds_new', expireAfterSeconds);
    logged.int64('expireAfterSeconds', Math.trunc(numberOf(expireAfterSeconds)));
    hasChange = true;
  }
  const flags = [
    ['hidden', spec.isHidden, change.hidden],
    ['prepareUnique', isPreparedUnique(spec), change.prepareUnique],
  ] as const;
  for (const [name, old, wanted] of flags) {
    if (wanted === undefined || wanted === old) continue;
    // What is unique need not be prepared for it.
    if (name === 'prepareUnique' && spec.isUnique) continue;
    reply.bool(`${name}_old`, old).bool(`${name}_new`, wanted);
    before.bool(name, old);
    logged.bool(name, wanted);
    hasChange = true;
  }
  if (change.unique === true && !spec.isUnique) {
    reply.bool('unique_new', true);
    logged.bool('unique', true);
    hasChange = true;
  }
  if (hasChange) write(logged.endDocument().finish(), before.endDocument().finish());
  else write(undefined, undefined);
}

/** Most documents that a refusal lists. Source: the server's limit on the size of the error. */
const VIOLATIONS_MAX = 1000;

/** Looks for keys that several records of an index have. */
class DuplicateSearch {
  readonly violations: RawValue[][] = [];
  readonly #collection: Collection;
  readonly #turn: Turn;
  readonly #entries;
  #previous: Uint8Array | undefined;
  #isInGroup = false;
  #listed = 0;

  constructor(collection: Collection, index: Index, turn: Turn) {
    this.#collection = collection;
    this.#turn = turn;
    this.#entries = index.table.cursor();
  }

  advance(): 'done' | 'pause' {
    while (this.#listed < VIOLATIONS_MAX && this.#entries.next()) {
      this.#compare(this.#entries.key);
      if (this.#turn.isOver()) return 'pause';
    }
    return 'done';
  }

  resume(): void {
    if (this.#collection.gone !== undefined) throw new CommandError('QueryPlanKilled', this.#collection.gone);
    this.#turn.restart();
  }

  #compare(entry: Uint8Array): void {
    const previous = this.#previous;
    this.#previous = entry;
    const isSame = previous !== undefined && equalBytes(withoutRecord(previous), withoutRecord(entry));
    const [first, second] = isSame ? [this.#idAt(previous), this.#idAt(entry)] : [];
    // The document of the entry before may be gone since the last pause.
    if (first === undefined || second === undefined) {
      this.#isInGroup = false;
      return;
    }
    if (!this.#isInGroup) this.violations.push([first]);
    this.#isInGroup = true;
    this.violations[this.violations.length - 1].push(second);
    this.#listed += 1;
  }

  #idAt(entry: Uint8Array): RawValue | undefined {
    const document = this.#collection.documentAt(entry.slice(entry.length - RECORD_ID_BYTES), TIMESTAMP_MAX);
    return document === undefined ? undefined : idOf(document);
  }
}

function withoutRecord(entry: Uint8Array): Uint8Array {
  return entry.subarray(0, entry.length - RECORD_ID_BYTES);
}

function cannotConvert(groups: readonly (readonly RawValue[])[]): CommandError {
  const writer = new BsonWriter().startDocument().startArray('violations');
  for (const [i, ids] of groups.entries()) {
    writer.startSubdocument(i).startArray('ids');
    for (const [k, id] of ids.entries()) writer.value(k, id);
    writer.end().end();
  }
  const document = writer.end().endDocument().finish();
  const violations = findField(document, fieldName('violations'));
  const text = 'Cannot convert the index to unique. Please resolve conflicting documents before running collMod again.';
  return new CommandError('CannotConvertIndexToUnique', text, { violations });
}
