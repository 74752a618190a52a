/** The arguments of `create`: parsed, checked one by one and against each other, and brought into their stored form. */
import { CommandError } from '../../base/command_error.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { cappedOptions } from '../../database/catalog/capped.ts';
import {
  CAPPED_DOCUMENTS_MAX,
  withOptions,
  type OptionName,
  type OptionWriter,
} from '../../database/catalog/collection_options.ts';
import { isIdKey } from '../../database/index/index_spec.ts';
import { parseIndexSpec } from '../../database/index/index_spec_parse.ts';
import { NO_OPTIONS } from '../../database/write/write_catalog.ts';
import { describeDocument } from '../../query/describe.ts';
import { Arguments } from '../arguments.ts';
import { isSameCollation, parseCollation, type Collation } from '../../query/collation.ts';
import type { CommandRequest } from '../context.ts';
import { missingField, strictBool } from '../fields.ts';
import { createCollation } from './create_collation.ts';
import { checkedValidator, validationAction, validationLevel } from './validator_arguments.ts';

export interface CreateRequest {
  /** A whole document in its stored form. */
  readonly options: Uint8Array;
  /** Set when a view is asked for. */
  readonly viewOn: string | undefined;
  readonly pipeline: readonly Uint8Array[];
  readonly collation: Collation | undefined;
}

/** One pebibyte. */
export const CAPPED_SIZE_BYTES_MAX = 2 ** 50;
interface Parsed {
  readonly options: Map<OptionName, OptionWriter>;
  capped: boolean;
  size: number | undefined;
  max: number | undefined;
  viewOn: string | undefined;
  pipeline: readonly Uint8Array[] | undefined;
  idIndex: Uint8Array | undefined;
  clusteredIndex: Uint8Array | undefined;
  collation: Collation | undefined;
}

/** `ns` is named by errors. */
export function parseCreate(request: CommandRequest, ns: string): CreateRequest {
  const parsed: Parsed = {
    options: new Map(),
    capped: false,
    size: undefined,
    max: undefined,
    viewOn: undefined,
    pipeline: undefined,
    idIndex: undefined,
    clusteredIndex: undefined,
    collation: undefined,
  };
  const args = Arguments.ofCommand('create', request.body);
  while (args.next()) {
    if (!takeSize(parsed, args) && !takeView(parsed, args) && !takeValidation(parsed, args, ns)) {
      takeOther(parsed, args);
    }
  }
  const { viewOn, pipeline = [], idIndex, collation } = parsed;
  if (idIndex !== undefined) checkIdCollation(idIndex, collation);
  checkTogether(parsed);
  if (viewOn === undefined) setKind(parsed);
  return { options: withOptions(NO_OPTIONS, parsed.options), viewOn, pipeline, collation };
}

function takeSize(parsed: Parsed, args: Arguments): boolean {
  switch (args.name) {
    case 'capped':
      parsed.capped = args.flag();
      return true;
    case 'size':
      parsed.size = inRange('size', args.integer(), CAPPED_SIZE_BYTES_MAX);
      return true;
    case 'max':
      parsed.max = args.integer();
      if (parsed.max <= CAPPED_DOCUMENTS_MAX) return true;
      throw new CommandError(51_024, `BSON field 'max' value must be < 2147483648, actual value '${parsed.max}'`);
    default:
      return false;
  }
}

/** A size in bytes that must be from 1 on. */
export function inRange(name: string, value: number, max: number): number {
  if (value < 1) throw new CommandError(51_024, `BSON field '${name}' value must be >= 1, actual value '${value}'`);
  if (value <= max) return value;
  throw new CommandError(51_024, `BSON field '${name}' value must be <= ${max}, actual value '${value}'`);
}

function takeView(parsed: Parsed, args: Arguments): boolean {
  if (args.name === 'viewOn') parsed.viewOn = args.string();
  else if (args.name === 'pipeline') parsed.pipeline = args.documents();
  else return false;
  return true;
}

function takeValidation(parsed: Parsed, args: Arguments, ns: string): boolean {
  const { options } = parsed;
  if (args.name === 'validator') {
    const validator = checkedValidator(args.document(), ns);
    if (!isEmptyDocument(validator)) options.set('validator', (writer) => writer.document('validator', validator));
  } else if (args.name === 'validationLevel') {
    const level = validationLevel('create', args);
    options.set('validationLevel', (writer) => writer.string('validationLevel', level));
  } else if (args.name === 'validationAction') {
    const action = validationAction('create', args);
    options.set('validationAction', (writer) => writer.string('validationAction', action));
  } else return false;
  return true;
}

function takeOther(parsed: Parsed, args: Arguments): void {
  const { options } = parsed;
  switch (args.name) {
    case 'idIndex':
      parsed.idIndex = checkedIdIndex(args.document());
      return;
    case 'collation':
      parsed.collation = createCollation(args);
      return;
    case 'clusteredIndex':
      parsed.clusteredIndex = clusteredIndexOf(args);
      return;
    case 'changeStreamPreAndPostImages':
      if (preAndPostImages('create', args)) {
        options.set('changeStreamPreAndPostImages', (writer) => {
          writer.startSubdocument('changeStreamPreAndPostImages').bool('enabled', true).end();
        });
      }
      return;
    case 'storageEngine':
      checkStorageEngine(args.document());
      return;
    case 'indexOptionDefaults':
      checkIndexDefaults(args);
      return;
    default:
      takeRare(args);
  }
}

const UNSUPPORTED = new Set(['timeseries', 'expireAfterSeconds', 'encryptedFields', 'recordIdsReplicated']);

function takeRare(args: Arguments): void {
  if (args.name === 'temp') throw new CommandError('InvalidOptions', "the 'temp' field is an invalid option");
  else if (args.name === 'flags') args.integer();
  else if (args.name === 'autoIndexId') {
    if (!args.flag()) throw new CommandError('InvalidOptions', 'The autoIndexId option must be true');
  } else if (args.name === 'recordPreImages') {
    if (args.flag()) args.refuseUnsupported();
  } else if (UNSUPPORTED.has(args.name)) args.refuseUnsupported();
  else args.refuseUnknown();
}

function checkTogether(parsed: Parsed): void {
  const { viewOn, pipeline, idIndex, capped, size, max, clusteredIndex } = parsed;
  if (pipeline !== undefined && viewOn === undefined) {
    throw new CommandError('InvalidOptions', "'pipeline' requires 'viewOn' to also be specified");
  }
  if (viewOn !== undefined) {
    if (idIndex === undefined) return;
    const text = `'idIndex' is not allowed with 'viewOn': ${describeDocument(idIndex)}`;
    throw new CommandError('InvalidOptions', text);
  }
  if (!capped && (size !== undefined || max !== undefined)) {
    const text = "the 'capped' field needs to be true when either the 'size' or 'max' fields are present";
    throw new CommandError('InvalidOptions', text);
  }
  if (capped && size === undefined) {
    throw new CommandError('InvalidOptions', "the 'size' field is required when 'capped' is true");
  }
  if (clusteredIndex === undefined) return;
  if (capped) throw new CommandError('NotImplemented', 'a capped collection cannot be clustered');
  if (idIndex !== undefined) {
    throw new CommandError('InvalidOptions', "The 'clusteredIndex' option is not supported with the 'idIndex' option");
  }
}

function setKind({ options, capped, size, max, clusteredIndex, collation }: Parsed): void {
  if (collation !== undefined) {
    options.set('collation', (writer) => void writer.document('collation', collation.document));
  }
  if (clusteredIndex !== undefined) {
    options.set('clusteredIndex', (writer) => writer.document('clusteredIndex', clusteredIndex));
  }
  if (!capped || size === undefined) return;
  for (const [name, write] of cappedOptions(size, max)) options.set(name, write);
}

function checkedIdIndex(document: Uint8Array): Uint8Array {
  const spec = parseIndexSpec(withoutCollation(document), 0, undefined);
  if (!isIdKey(spec.key)) {
    const text = `The field 'key' for an _id index must be {_id: 1}, but got ${describeDocument(spec.key)}`;
    throw new CommandError('BadValue', text);
  }
  return document;
}

const COLLATION = fieldName('collation');

/** The collation is compared with that of the collection when both are known. */
function withoutCollation(spec: Uint8Array): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(spec);
  while (reader.next()) if (!reader.nameEquals(COLLATION)) writer.element(spec, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}

function checkIdCollation(idIndex: Uint8Array, collation: Collation | undefined): void {
  const given = findField(idIndex, COLLATION);
  if (given === undefined) return;
  const own = given.type === BSON_TYPE.object ? parseCollation(idIndex.subarray(given.start, given.end)) : undefined;
  if (isSameCollation(own, collation)) return;
  throw new CommandError('BadValue', "'idIndex' must have the same collation as the collection.");
}

const ID_KEY = new BsonWriter().startDocument().int32('_id', 1).endDocument().finish();

/** Source: the manual, "Clustered Collections". */
function clusteredIndexOf(args: Arguments): Uint8Array | undefined {
  const { value } = args;
  if (value.type === BSON_TYPE.bool || isNumericType(value.type)) {
    if (!args.flag()) return undefined;
    throw new CommandError(
      5_979_703,
      "The 'clusteredIndex' legacy format {clusteredIndex: true} is only supported for time-series buckets",
    );
  }
  let name = '_id_';
  let unique: boolean | undefined;
  let key: Uint8Array | undefined;
  const inner = Arguments.ofDocument('create.clusteredIndex', args.document(), 0);
  while (inner.next()) {
    if (inner.name === 'key') key = inner.document();
    else if (inner.name === 'name') name = inner.string();
    else if (inner.name === 'unique') unique = inner.flag();
    else if (inner.name === 'v') checkVersion(inner);
    else inner.refuseUnknown();
  }
  if (key === undefined) throw missingField('create.clusteredIndex.key');
  if (unique === undefined) throw missingField('create.clusteredIndex.unique');
  if (compareDocuments(key, 0, ID_KEY, 0) !== 0) {
    throw new CommandError(
      'InvalidIndexSpecificationOption',
      'The clusteredIndex option is only supported for key: {_id: 1}',
    );
  }
  if (!unique) {
    throw new CommandError(5_979_700, 'The clusteredIndex option requires unique: true to be specified');
  }
  const writer = new BsonWriter().startDocument().int32('v', 2).document('key', key);
  return writer.string('name', name).bool('unique', true).endDocument().finish();
}

function checkVersion(args: Arguments): void {
  if (args.integer() === 2) return;
  throw new CommandError(5_979_704, 'The clusteredIndex option is only supported with index version 2');
}

/** `{enabled: bool}`. */
export function preAndPostImages(command: string, args: Arguments): boolean {
  const path = `${command}.changeStreamPreAndPostImages`;
  const inner = Arguments.ofDocument(path, args.document(), 0);
  let enabled: boolean | undefined;
  while (inner.next()) {
    if (inner.name === 'enabled') enabled = strictBool(`${path}.enabled`, inner.value);
    else inner.refuseUnknown();
  }
  if (enabled === undefined) throw missingField(`${path}.enabled`);
  return enabled;
}

/** Options for engines: there is none here that has any. */
function checkStorageEngine(document: Uint8Array): void {
  const reader = new ElementReader(document);
  while (reader.next()) {
    const name = reader.name();
    if (reader.type !== BSON_TYPE.object) {
      throw new CommandError('BadValue', `'storageEngine.${name}' has to be an embedded document.`);
    }
    const text = `${name} is not a registered storage engine for this server`;
    throw new CommandError('InvalidOptions', text);
  }
}

function checkIndexDefaults(args: Arguments): void {
  const inner = Arguments.ofDocument('create.indexOptionDefaults', args.document(), 0);
  while (inner.next()) {
    if (inner.name === 'storageEngine') checkStorageEngine(inner.document());
    else inner.refuseUnknown();
  }
}
