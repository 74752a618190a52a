import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import type { Command } from '../context.ts';
import { LOG_COMPONENT_VERBOSITY, setVerbosity, writeVerbosity } from './log_component_verbosity.ts';
import { writeParameter } from '../server/parameters.ts';
import { isGenericArgument } from '../request.ts';

/** `{setParameter: 1, name: value}`; answers with the value before, `was`. */
export const setParameterCommand: Command = {
  name: 'setParameter',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'changes server parameters while the server runs',
  run: (request, { server: { parameters } }, reply) => {
    const changes: { name: string; value: RawValue }[] = [];
    const reader = new ElementReader(request.body);
    reader.next();
    while (reader.next()) {
      if (!isGenericArgument(reader)) changes.push({ name: reader.name(), value: reader.value() });
    }
    if (changes.length === 0) {
      throw new CommandError('InvalidOptions', 'no option found to set, use help:true to see options ');
    }
    for (const [index, { name, value }] of changes.entries()) {
      if (name === LOG_COMPONENT_VERBOSITY) {
        if (index === 0) writeVerbosity(reply, 'was', parameters);
        setVerbosity(value, parameters);
        continue;
      }
      const spec = parameters.find(name)?.spec;
      const before = parameters.setAtRuntime(name, value);
      if (index === 0 && spec !== undefined) writeParameter(reply, 'was', spec.type, before);
    }
  },
};
