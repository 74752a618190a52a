/**
 * `failCommand`: makes chosen commands fail, hang or lose their connection, so that drivers and applications can be
 * tested. Only when the server was started with `enableTestCommands`.
 * Source: MongoDB's source tree, "The failCommand Fail Point".
 */
import { CommandError } from '../../base/command_error.ts';
import { isSubdocument, numberIn, type PlainDocument } from '../../replication/document.ts';

/** What happens to one command. */
export interface FailCommandAction {
  readonly closesConnection: boolean;
  /** 0: not held up. */
  readonly blockMs: number;
  /** Instead of running the command. */
  readonly error: CommandError | undefined;
  /** Beside what the command does. */
  readonly writeConcernError: PlainDocument | undefined;
}

export interface FailCommandSubject {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly appName: string | undefined;
  readonly isInternal: boolean;
}

type Mode =
  | { readonly kind: 'off' }
  | { readonly kind: 'on' }
  | { readonly kind: 'times'; left: number }
  | { readonly kind: 'skip'; left: number };

/** Never fail: without them a fail point could not be switched off. */
const SPARED = new Set(['configureFailPoint']);

export class FailPoints {
  #mode: Mode = { kind: 'off' };
  #data: PlainDocument = {};
  #commands = new Set<string>();
  #entered = 0;

  /** False in all but tests, so that asking costs nothing. */
  get isActive(): boolean {
    return this.#mode.kind !== 'off';
  }

  /** Returns how often the fail point was met so far. Throws CommandError when the mode or data is malformed. */
  configure(mode: unknown, data: unknown): number {
    const next = modeOf(mode);
    const given = data === undefined ? {} : data;
    if (!isSubdocument(given)) throw new CommandError('BadValue', "'data' must be a document");
    const { failCommands } = given;
    if (next.kind !== 'off' && !Array.isArray(failCommands)) {
      throw new CommandError('BadValue', "failCommand needs the list 'failCommands'");
    }
    this.#mode = next;
    this.#data = given;
    this.#commands = new Set(Array.isArray(failCommands) ? failCommands.map(String) : []);
    return this.#entered;
  }

  /** What is to happen to this command; undefined: nothing. Counts it. */
  meet(subject: FailCommandSubject): FailCommandAction | undefined {
    if (!this.#isMeant(subject) || !this.#fires()) return undefined;
    this.#entered += 1;
    const { closeConnection, blockConnection, blockTimeMS, writeConcernError } = this.#data;
    return {
      closesConnection: closeConnection === true,
      blockMs: blockConnection === true ? (numberIn(blockTimeMS) ?? 0) : 0,
      error: this.#error(),
      writeConcernError: isSubdocument(writeConcernError) ? writeConcernError : undefined,
    };
  }

  #isMeant({ name, aliases, appName, isInternal }: FailCommandSubject): boolean {
    if (SPARED.has(name)) return false;
    if (!this.#commands.has(name) && !aliases.some((alias) => this.#commands.has(alias))) return false;
    if (isInternal && this.#data['failInternalCommands'] !== true) return false;
    const wantedApp = this.#data['appName'];
    return wantedApp === undefined || wantedApp === appName;
  }

  #fires(): boolean {
    const mode = this.#mode;
    switch (mode.kind) {
      case 'off':
        return false;
      case 'on':
        return true;
      case 'times':
        mode.left -= 1;
        if (mode.left === 0) this.#mode = { kind: 'off' };
        return true;
      case 'skip':
        mode.left -= 1;
        return mode.left < 0;
    }
  }

  #error(): CommandError | undefined {
    const code = numberIn(this.#data['errorCode']);
    if (code === undefined) return undefined;
    const extra = this.#data['errorExtraInfo'];
    const labels = this.#data['errorLabels'];
    return new CommandError(code, "Failing command via 'failCommand' failpoint", {
      ...(isSubdocument(extra) ? extra : {}),
      ...(Array.isArray(labels) ? { errorLabels: labels } : {}),
    });
  }
}

function modeOf(mode: unknown): Mode {
  if (mode === 'off') return { kind: 'off' };
  if (mode === 'alwaysOn') return { kind: 'on' };
  if (isSubdocument(mode)) {
    const times = numberIn(mode['times']);
    const skip = numberIn(mode['skip']);
    if (times !== undefined && times >= 0) return times === 0 ? { kind: 'off' } : { kind: 'times', left: times };
    if (skip !== undefined && skip >= 0) return { kind: 'skip', left: skip };
  }
  throw new CommandError('BadValue', "a fail point's mode is 'off', 'alwaysOn', {times: n} or {skip: n}");
}
