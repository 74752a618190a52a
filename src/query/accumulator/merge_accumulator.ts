/** `$mergeObjects`: the fields of all documents, later values in the place of earlier ones. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describeValue } from '../describe.ts';
import { unaryAccumulator } from './accumulator.ts';

export const mergeObjectsAccumulator = unaryAccumulator('$mergeObjects', (memory) => {
  const fields = new Map<string, RawValue>();
  return {
    add(value) {
      if (value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined) return;
      if (value.type !== BSON_TYPE.object) {
        const shown = describeValue(value);
        throw new CommandError(40400, `$mergeObjects requires object inputs, but input ${shown} is of another type`);
      }
      const reader = new ElementReader(value.bytes, value.start);
      while (reader.next()) {
        memory.take(reader.end - reader.start);
        fields.set(reader.name(), copyValue(reader));
      }
    },
    result() {
      const writer = new BsonWriter().startDocument();
      for (const [name, value] of fields) writer.value(name, value);
      return rawObject(writer.endDocument().finish());
    },
  };
});
