/** The `collation` of `create`, which checks its fields in the words of a strict schema first. */
import { CommandError } from '../../base/command_error.ts';
import { isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { parseCollation, type Collation } from '../../query/collation.ts';
import { Arguments } from '../arguments.ts';
import { missingField, strictBool, wrongType } from '../fields.ts';

const PATH = 'create.collation';

/** Undefined for the simple one. Throws CommandError. */
export function createCollation(args: Arguments): Collation | undefined {
  const document = args.document();
  let hasLocale = false;
  const inner = Arguments.ofDocument(PATH, document, 0);
  while (inner.next()) {
    switch (inner.name) {
      case 'locale':
        inner.string();
        hasLocale = true;
        break;
      case 'caseLevel':
      case 'numericOrdering':
      case 'normalization':
      case 'backwards':
        strictBool(`${PATH}.${inner.name}`, inner.value);
        break;
      case 'strength':
        checkStrength(inner);
        break;
      case 'caseFirst':
      case 'alternate':
      case 'maxVariable':
      case 'version':
        checkName(inner);
        break;
      default:
        inner.refuseUnknown();
    }
  }
  if (!hasLocale) throw missingField(`${PATH}.locale`);
  return parseCollation(document);
}

function checkStrength({ value }: Arguments): void {
  if (!isNumericType(value.type)) throw wrongType(`${PATH}.strength`, value, 'long', 'int', 'decimal', 'double');
  const strength = Math.trunc(numberOf(value));
  if (strength >= 1 && strength <= 5) return;
  const bound = strength < 1 ? '>= 1' : '<= 5';
  throw new CommandError(51_024, `BSON field 'strength' value must be ${bound}, actual value '${strength}'`);
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  caseFirst: ['upper', 'lower', 'off'],
  alternate: ['non-ignorable', 'shifted'],
  maxVariable: ['punct', 'space'],
};

function checkName(args: Arguments): void {
  const text = args.string();
  const values = VALUES[args.name];
  if (values === undefined || values.includes(text)) return;
  const field = `${PATH}.${args.name}`;
  throw new CommandError('BadValue', `Enumeration value '${text}' for field '${field}' is not a valid value.`);
}
