import { expect, test } from 'vitest';
import { addressesOf } from './status_command.ts';

test.each([
  ['mongodb://a:1,b:2/?replicaSet=rs0', ['a:1', 'b:2']],
  ['mongodb://user:pa%40ss@a:1/db', ['a:1']],
  ['localhost', ['localhost:27017']],
])('the hosts of %s', (uri, hosts) => {
  expect(addressesOf(uri)).toEqual(hosts);
});
