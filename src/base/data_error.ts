/** What is on the disk cannot be used as it is; a member says so and does not start. */

/** Damaged; written by another version of the program; made for another replica set. */
export type DataErrorKind = 'damage' | 'version' | 'otherSet';

/** The message is one line for the operator and says where. */
export class DataError extends Error {
  readonly kind: DataErrorKind;

  constructor(kind: DataErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  override get name(): string {
    return 'DataError';
  }
}
