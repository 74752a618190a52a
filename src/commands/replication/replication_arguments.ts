/** What the commands of replication have in common: reading their arguments and writing what the core answers. */
import { findField } from '../../bson/elements.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { isNumeric, isTruthy, numberOf, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { encodeReply } from '../../replication/message_documents.ts';
import type { InputBody, ReplyTo } from '../../replication/input.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { hadWrongType } from '../fields.ts';

/** The value of the command's own field: the first of the body. */
export function firstValue(request: CommandRequest): RawValue {
  const reader = new ElementReader(request.body);
  reader.next();
  return reader.value();
}

/** Numbers count as they are; everything else is 0, as MongoDB takes these arguments. */
export function firstNumber(request: CommandRequest): number {
  const value = firstValue(request);
  return isNumeric(value) ? numberOf(value) : 0;
}

/** Undefined when absent. Throws CommandError when it is not a number. */
export function optionalNumberArgument(request: CommandRequest, name: Uint8Array, text: string): number | undefined {
  const value = findField(request.body, name);
  if (value === undefined) return undefined;
  if (!isNumeric(value)) throw hadWrongType(text, value, 'long');
  return numberOf(value);
}

/** False when absent; numbers count as true unless they are zero. */
export function optionalFlagArgument(request: CommandRequest, name: Uint8Array, text: string): boolean {
  const value = findField(request.body, name);
  if (value === undefined) return false;
  if (!isNumeric(value) && value.type !== BSON_TYPE.bool) throw hadWrongType(text, value, 'bool');
  return isTruthy(value);
}

/** Gives the core an input and writes its answer; throws the CommandError it refuses with. */
export async function askCore(
  context: CommandContext,
  reply: BsonWriter,
  build: (replyTo: ReplyTo) => InputBody,
): Promise<void> {
  reply.fieldsOf(encodeReply(await context.replication.request(build)));
}
