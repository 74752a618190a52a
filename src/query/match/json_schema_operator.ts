/** `$jsonSchema` as an operator of filters. */
import { CommandError } from '../../base/command_error.ts';
import { documentSize } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { DocumentOperator } from './field_operator.ts';
import { compileSchema } from './json_schema.ts';

export const jsonSchemaOperator: DocumentOperator = {
  name: '$jsonSchema',
  parse(operand) {
    if (operand.type !== BSON_TYPE.object) throw new CommandError('TypeMismatch', '$jsonSchema must be an object');
    const test = compileSchema(operand.bytes, operand.start);
    return {
      kind: 'document',
      operator: '$jsonSchema',
      operand,
      matches: (bytes, at) => test(bytes, BSON_TYPE.object, at, at + documentSize(bytes, at)),
    };
  },
};
