import { UsageError } from './arguments.ts';

/** 'name=value' of `--setParameter`. Throws {@link UsageError}. */
export function splitParameter(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--setParameter needs name=value, not '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
