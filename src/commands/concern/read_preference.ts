/** `$readPreference`, of which a member itself uses the mode only. Error texts are MongoDB's. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { countElements, findField } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { isTruthy, numberOf, stringOf } from '../../bson/value.ts';
import type { ReadPreferenceMode } from '../context.ts';
import { hadWrongType } from '../fields.ts';

const MODE = fieldName('mode');
const TAGS = fieldName('tags');
const MAX_STALENESS_SECONDS = fieldName('maxStalenessSeconds');
const HEDGE = fieldName('hedge');
const ENABLED = fieldName('enabled');

/** Source: the Max Staleness specification. */
const MAX_STALENESS_SECONDS_MIN = 90;

const MODES = new Map<string, ReadPreferenceMode>(
  (['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'] as const).map((mode) => [mode, mode]),
);

export function parseReadPreference(value: ValueSpan): ReadPreferenceMode {
  if (value.type !== BSON_TYPE.object) {
    const found = typeAlias(value.type);
    throw new CommandError('TypeMismatch', `$readPreference has incorrect type: expected object but got ${found}`);
  }
  const mode = modeOf(findField(value.bytes, MODE, value.start));
  const tags = findField(value.bytes, TAGS, value.start);
  if (tags !== undefined) checkTags(mode, tags);
  const staleness = findField(value.bytes, MAX_STALENESS_SECONDS, value.start);
  if (staleness !== undefined) checkStaleness(mode, staleness);
  const hedge = findField(value.bytes, HEDGE, value.start);
  if (hedge !== undefined && mode === 'primary') checkHedge(hedge);
  return mode;
}

function modeOf(value: ValueSpan | undefined): ReadPreferenceMode {
  if (value === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "mode"');
  if (value.type !== BSON_TYPE.string) throw hadWrongType('mode', value, 'string');
  const text = stringOf(value);
  const mode = MODES.get(text);
  if (mode !== undefined) return mode;
  throw new CommandError(
    'BadValue',
    `Could not parse $readPreference mode '${text}'. Only the modes 'primary', 'primaryPreferred', 'secondary', ` +
      `'secondaryPreferred', and 'nearest' are supported. :: caused by :: Enumeration value '${text}' for field 'mode' ` +
      'is not a valid value.',
  );
}

function checkTags(mode: ReadPreferenceMode, tags: ValueSpan): void {
  if (tags.type !== BSON_TYPE.array) throw hadWrongType('tags', tags, 'array');
  if (mode !== 'primary' || countElements(tags.bytes, tags.start) === 0) return;
  throw new CommandError('BadValue', 'Only empty tags are allowed with primary read preference');
}

function checkStaleness(mode: ReadPreferenceMode, staleness: ValueSpan): void {
  const seconds = numberOf(staleness);
  if (Number.isNaN(seconds)) throw hadWrongType('maxStalenessSeconds', staleness, 'number');
  if (seconds > 0 && mode === 'primary') {
    throw new CommandError('BadValue', 'maxStalenessSeconds can not be set for the primary mode');
  }
  if (seconds > 0 && seconds < MAX_STALENESS_SECONDS_MIN) {
    throw new CommandError(
      'MaxStalenessOutOfRange',
      `maxStalenessSeconds value can not be less than ${MAX_STALENESS_SECONDS_MIN}`,
    );
  }
}

function checkHedge(hedge: ValueSpan): void {
  if (hedge.type !== BSON_TYPE.object) throw hadWrongType('hedge', hedge, 'object');
  const enabled = findField(hedge.bytes, ENABLED, hedge.start);
  if (enabled !== undefined && !isTruthy(enabled)) return;
  throw new CommandError('InvalidOptions', 'cannot enable hedging for $readPreference mode "primaryOnly"');
}
