import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { isTruthy, maybeStringOf, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Command } from '../context.ts';
import { LOG_COMPONENT_VERBOSITY, writeVerbosity } from './log_component_verbosity.ts';
import { writeParameter, type ParameterSpec, type ParameterValue } from '../server/parameters.ts';
import { isGenericArgument } from '../request.ts';
import { VERSION } from '../server/version.ts';

const SHOW_DETAILS = fieldName('showDetails');
const ALL_PARAMETERS = fieldName('allParameters');

/** featureCompatibilityVersion, which is no number of ours but is asked for like one. */
const FEATURE_COMPATIBILITY = 'featureCompatibilityVersion';

/** `{getParameter: 1, name: 1, …}`, `{getParameter: '*'}`, `{getParameter: {showDetails, allParameters}}`. */
export const getParameterCommand: Command = {
  name: 'getParameter',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'values of server parameters',
  run: (request, { server: { parameters } }, reply) => {
    const reader = new ElementReader(request.body);
    reader.next();
    const { showsAll, showsDetails } = selectionOf(reader.value());
    let found = 0;
    const show = (spec: ParameterSpec, value: ParameterValue): void => {
      found += 1;
      if (!showsDetails) return writeParameter(reply, spec.name, spec.type, value);
      reply.startSubdocument(spec.name);
      writeParameter(reply, 'value', spec.type, value);
      reply.bool('settableAtRuntime', spec.time === 'both' || spec.time === 'runtime');
      reply.bool('settableAtStartup', spec.time === 'both' || spec.time === 'startup').end();
    };
    if (showsAll) {
      for (const spec of parameters.all()) show(spec, parameters.find(spec.name)?.value ?? spec.initial);
      writeFeatureCompatibility(reply);
      writeVerbosity(reply, LOG_COMPONENT_VERBOSITY, parameters);
      return;
    }
    while (reader.next()) {
      if (isGenericArgument(reader)) continue;
      const name = reader.name();
      const parameter = parameters.find(name);
      if (parameter !== undefined) show(parameter.spec, parameter.value);
      else if (name === FEATURE_COMPATIBILITY) {
        found += 1;
        writeFeatureCompatibility(reply);
      } else if (name === LOG_COMPONENT_VERBOSITY) {
        found += 1;
        writeVerbosity(reply, name, parameters);
      }
    }
    if (found === 0) throw new CommandError('InvalidOptions', 'no option found to get');
  },
};

function selectionOf(first: RawValue): { showsAll: boolean; showsDetails: boolean } {
  if (maybeStringOf(first) === '*') return { showsAll: true, showsDetails: false };
  if (first.type !== BSON_TYPE.object) return { showsAll: false, showsDetails: false };
  const all = findField(first.bytes, ALL_PARAMETERS, first.start);
  const details = findField(first.bytes, SHOW_DETAILS, first.start);
  return {
    showsAll: all !== undefined && isTruthy(all),
    showsDetails: details !== undefined && isTruthy(details),
  };
}

function writeFeatureCompatibility(reply: BsonWriter): void {
  reply.startSubdocument(FEATURE_COMPATIBILITY).string('version', VERSION.split('.').slice(0, 2).join('.')).end();
}
