import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import { Arguments } from '../arguments.ts';
import { explainAggregate } from '../query/aggregate.ts';
import type { Command, CommandRequest } from '../context.ts';
import { explainQuery, type Verbosity } from './explain_reply.ts';
import { explainView } from './explain_view.ts';
import { EXPLAINERS } from './explained_query.ts';

const DB = fieldName('$db');

/** @param commands the table it is itself part of */
export function explainCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'explain',
    secondary: 'optIn',
    isApiVersion1: true,
    help: 'tells how a command would find its documents, and what it would take',
    run(request, context, reply) {
      const { command, verbosity } = parseExplain(request);
      const inner = innerRequest(command, request);
      const explainer = EXPLAINERS.get(inner.name);
      if (inner.name === 'aggregate') return explainAggregate(inner, { context, verbosity, reply, command });
      const onView = explainView(inner, { context, verbosity, reply, command });
      if (onView !== undefined) return onView.done;
      if (explainer === undefined) throw cannotExplain(inner.name, commands());
      const query = explainer(inner, context);
      return explainQuery(query, { context, verbosity, reply, command });
    },
  };
}

function parseExplain(request: CommandRequest): { readonly command: Uint8Array; readonly verbosity: Verbosity } {
  let verbosity: Verbosity = 'allPlansExecution';
  const first = new ElementReader(request.body);
  first.next();
  if (first.type !== BSON_TYPE.object) {
    throw new CommandError('FailedToParse', 'explain command requires a nested object');
  }
  const args = Arguments.ofCommand('explain', request.body);
  while (args.next()) {
    if (args.name === 'verbosity') verbosity = verbosityOf(args.string());
    else args.refuseUnknown();
  }
  return { command: request.body.slice(first.start, first.end), verbosity };
}

function verbosityOf(text: string): Verbosity {
  if (text === 'queryPlanner' || text === 'executionStats' || text === 'allPlansExecution') return text;
  throw new CommandError('BadValue', `Enumeration value '${text}' for field 'explain.verbosity' is not a valid value.`);
}

function innerRequest(command: Uint8Array, request: CommandRequest): CommandRequest {
  const reader = new ElementReader(command);
  const name = reader.next() ? reader.name() : '';
  const db = findField(command, DB);
  if (db !== undefined && (db.type !== BSON_TYPE.string || stringOf(db) !== request.db)) {
    const got = db.type === BSON_TYPE.string ? stringOf(db) : '';
    throw new CommandError(
      'InvalidNamespace',
      `Mismatched $db in explain command. Expected ${request.db} but got ${got}`,
    );
  }
  return { ...request, name, body: command, sequences: [] };
}

function cannotExplain(name: string, commands: readonly Command[]): CommandError {
  if (name === 'explain') return new CommandError('IllegalOperation', 'Explain cannot explain itself.');
  const isKnown = commands.some((one) => one.name === name || one.aliases?.includes(name) === true);
  if (isKnown) return new CommandError('IllegalOperation', `Cannot explain cmd: ${name}`);
  return new CommandError('CommandNotFound', `Explain failed due to unknown command: ${name}`);
}
