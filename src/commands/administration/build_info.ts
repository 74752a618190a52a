import { BSON_OBJECT_SIZE_BYTES_MAX } from '../../base/limits.ts';
import type { Command } from '../context.ts';
import { VERSION, VERSION_ARRAY } from '../server/version.ts';

/** The version clients choose their behaviour by. */
export const buildInfoCommand: Command = {
  name: 'buildInfo',
  aliases: ['buildinfo'],
  secondary: 'always',
  maintenanceOk: true,
  help: 'the version of the server',
  run: (_request, context, reply) => {
    reply.string('version', VERSION).string('gitVersion', 'quorate').startArray('modules').end();
    reply.string('allocator', 'system').string('javascriptEngine', 'none').string('sysInfo', 'deprecated');
    reply.startArray('versionArray');
    VERSION_ARRAY.forEach((part, index) => reply.int32(index, part));
    reply.end();
    reply.startSubdocument('openssl').string('running', 'disabled').string('compiled', 'disabled').end();
    reply.startSubdocument('buildEnvironment').string('target_arch', context.server.machine.architecture);
    reply.string('target_os', context.server.machine.osType.toLowerCase()).end();
    reply.int32('bits', 64).bool('debug', false).int32('maxBsonObjectSize', BSON_OBJECT_SIZE_BYTES_MAX);
    reply.startArray('storageEngines').string(0, context.server.storageEngine).end();
  },
};
