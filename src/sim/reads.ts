/** Majority reads of a simulated application, and what they must show. */
import type { Env } from '../base/env.ts';
import { ms } from '../base/units.ts';
import { fieldName } from '../bson/bytes.ts';
import { decodePlain } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import type { RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { PeerConnection } from '../member/peer_connection.ts';
import type { History, WriteRecord } from './history.ts';
import { INSERTS, PUSHES, SIM_DATABASE } from './workload.ts';

const CONNECT_TIMEOUT = ms(500);
const READ_TIMEOUT = ms(3_000);
const SERVER_TIMEOUT_MS = 2_000;

const OPERATION_TIME = fieldName('operationTime');

export interface ReaderOptions {
  readonly env: Env;
  readonly history: History;
}

type Document = Readonly<Record<string, unknown>>;

export class Reader {
  readonly #options: ReaderOptions;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Asked for the time of an insert that a majority acknowledged, a member that answers must show it. */
  async readBack(address: string, { token }: WriteRecord, reply: Uint8Array): Promise<void> {
    const { history } = this.#options;
    const at = findField(reply, OPERATION_TIME);
    if (at === undefined) return;
    const found = await this.#find(address, findCommand(INSERTS, token, at));
    if (found?.length !== 0) return;
    history.violations.push(`${address} did not show write ${token}, which a majority had acknowledged`);
  }

  /** What a majority read shows, nobody may take back. */
  async readList(address: string, key: number): Promise<void> {
    const { history } = this.#options;
    const [document] = (await this.#find(address, findCommand(PUSHES, key, undefined))) ?? [];
    const tokens: unknown = document?.['tokens'];
    if (!Array.isArray(tokens)) return;
    for (const token of tokens) history.shown.set(Number(token), address);
  }

  /** Undefined when the member did not answer with documents. */
  async #find(address: string, command: Uint8Array): Promise<readonly Document[] | undefined> {
    const connection = await PeerConnection.connect(this.#options.env, address, CONNECT_TIMEOUT).catch(() => undefined);
    const reply = await connection?.request(command, READ_TIMEOUT).catch(() => undefined);
    connection?.close();
    if (reply === undefined) return undefined;
    const { cursor } = decodePlain(reply) as { cursor?: { firstBatch?: readonly Document[] } };
    return cursor?.firstBatch;
  }
}

function findCommand(collection: string, id: number, afterClusterTime: RawValue | undefined): Uint8Array {
  const writer = new BsonWriter().startDocument().string('find', collection);
  writer.startSubdocument('filter').int32('_id', id).end().int32('limit', 1).bool('singleBatch', true);
  writer.startSubdocument('readConcern').string('level', 'majority');
  if (afterClusterTime !== undefined) writer.value('afterClusterTime', afterClusterTime);
  writer.end().startSubdocument('$readPreference').string('mode', 'secondaryPreferred').end();
  return writer.int32('maxTimeMS', SERVER_TIMEOUT_MS).string('$db', SIM_DATABASE).endDocument().finish();
}
