/** Checking documents against the validator of their collection before they are written. */
import { CommandError } from '../../base/command_error.ts';
import type { Log } from '../../base/log.ts';
import { decodeDocument } from '../../bson/codec.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import { explainFailure } from '../../query/validation/explain_failure.ts';
import type { ValidatorOptions } from './collection_options.ts';
import { idOf } from '../insertable.ts';

export class Validator {
  readonly #options: ValidatorOptions;
  /** Made with the first document: options are also read where nothing is ever written. */
  #filter: CompiledFilter | undefined;

  constructor(options: ValidatorOptions) {
    this.#options = options;
  }

  /**
   * Throws DocumentValidationFailure for a document that must not be written, or logs it where the validator only warns.
   * `before`: the document it replaces; at level 'moderate' one that was wrong already may stay so.
   */
  check(document: Uint8Array, context: { readonly ns: string; readonly log: Log; readonly before?: Uint8Array }): void {
    const { level, action, filter } = this.#options;
    if (level === 'off' || this.matches(document)) return;
    const { before } = context;
    if (level === 'moderate' && before !== undefined && !this.matches(before)) return;
    const failure = validationFailure(filter, document);
    if (action !== 'error') logFailure(failure, document, context);
    if (action !== 'warn') throw failure;
  }

  /** Whether the document meets the filter, whatever the level is. */
  matches(document: Uint8Array): boolean {
    this.#filter ??= compileFilter(this.#options.filter);
    return this.#filter.matcher.matches(document, 0);
  }
}

function validationFailure(filter: Uint8Array, document: Uint8Array): CommandError {
  const writer = new BsonWriter().startDocument().value('failingDocumentId', idOf(document));
  const errInfo = writer.document('details', explainFailure(filter, document)).endDocument().finish();
  return new CommandError('DocumentValidationFailure', 'Document failed validation', { errInfo });
}

function logFailure(
  failure: CommandError,
  document: Uint8Array,
  { ns, log }: { readonly ns: string; readonly log: Log },
): void {
  const { errInfo } = failure.details;
  log.write({
    severity: 'W',
    component: 'STORAGE',
    id: 20_294,
    context: 'validation',
    message: 'Document would fail validation',
    attributes: {
      namespace: ns,
      document: decodeDocument(document),
      errInfo: errInfo instanceof Uint8Array ? decodeDocument(errInfo) : undefined,
    },
  });
}
