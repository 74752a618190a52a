/** Scenario files, and running one scenario against a set. */
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { documentText, elementsOf } from './bson_text.ts';
import { differences, normalize, readStep, show, type Step } from './compare.ts';
import { ConnectionLost, type Connection, type Members } from './connection.ts';
import { child, itemsOf, parseObject, textOf } from './exact_json.ts';
import type { ObjectTree, Tree } from './tree.ts';

const DATABASE = 'conformance';

export interface Scenario {
  /** 'folder/file › name': how lists of scenarios name it. */
  readonly id: string;
  readonly steps: readonly Step[];
}

export interface ScenarioFile {
  /** Path below this folder, without '.json'. */
  readonly name: string;
  readonly scenarios: readonly Scenario[];
}

/** Every scenario file beside this program, in order of its name. */
export function scenarioFiles(): string[] {
  return ['scenarios', 'documented'].flatMap((folder) =>
    readdirSync(join(import.meta.dirname, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.json'))
      .map((path) => `${folder}/${path.replaceAll('\\', '/').replace(/\.json$/, '')}`)
      .sort(),
  );
}

export function readScenarioFile(name: string): ScenarioFile {
  const root = parseObject(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8'));
  const scenarios = itemsOf(child(root, 'scenarios')).map((tree) => ({
    id: `${name} › ${textOf(child(tree, 'name')) ?? ''}`,
    steps: itemsOf(child(tree, 'steps')).map(readStep),
  }));
  return { name, scenarios };
}

export interface StepFailure {
  readonly scenario: string;
  /** From 1. */
  readonly step: number;
  readonly run: string;
  readonly differences: readonly string[];
}

export interface ScenarioResult {
  readonly stepsPassed: number;
  readonly failures: readonly StepFailure[];
}

/** Runs a scenario in an empty database. Stops early when the server closes the connection: that step has failed. */
export async function runScenario(
  members: Members,
  scenario: Scenario,
  comparesMessages: boolean,
): Promise<ScenarioResult> {
  const run = new ScenarioRun(members, comparesMessages);
  const failures: StepFailure[] = [];
  await members.primary.command(parseObject('{"dropDatabase":1,"writeConcern":{"w":"majority"}}'), DATABASE);
  for (const [index, step] of scenario.steps.entries()) {
    const found = await run.step(step);
    if (found.length > 0)
      failures.push({ scenario: scenario.id, step: index + 1, run: show(step.run), differences: found });
    if (members.primary.isClosed) break;
  }
  await run.endSessions();
  return { stepsPassed: scenario.steps.length - failures.length, failures };
}

class ScenarioRun {
  readonly #members: Members;
  readonly #comparesMessages: boolean;
  readonly #saved = new Map<string, Buffer>();
  readonly #sessions = new Map<string, ObjectTree>();

  constructor(members: Members, comparesMessages: boolean) {
    this.#members = members;
    this.#comparesMessages = comparesMessages;
  }

  /** What differs; the error's message when the step could not be run. */
  async step(step: Step): Promise<readonly string[]> {
    try {
      if (step.reply?.kind !== 'object') return ['no reply is recorded for this step'];
      const bytes = await this.#connection(step).command(this.#command(step), step.db ?? DATABASE);
      if (step.save !== undefined) this.#saved.set(step.save, bytes);
      const got = normalize(parseObject(documentText(bytes)), step);
      return differences(step.reply, got, step, this.#comparesMessages);
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  async endSessions(): Promise<void> {
    for (const lsid of this.#sessions.values()) {
      if (this.#members.primary.isClosed) return;
      const kill: ObjectTree = { kind: 'object', entries: [['killSessions', { kind: 'array', items: [lsid] }]] };
      await this.#members.primary.command(kill, 'admin').catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) throw error;
      });
    }
  }

  #connection({ on }: Step): Connection {
    const connection = on === 'secondary' ? this.#members.secondary : this.#members.primary;
    if (connection === undefined) throw new Error(`the set has no ${on}`);
    return connection;
  }

  #command({ run, session }: Step): ObjectTree {
    const entries = run.entries.map(([key, value]) => [key, this.#substitute(value)] as const);
    if (session === undefined) return { kind: 'object', entries };
    let lsid = this.#sessions.get(session);
    if (lsid === undefined) {
      lsid = parseObject(`{"id":{"$uuid":"${randomUUID()}"}}`);
      this.#sessions.set(session, lsid);
    }
    return { kind: 'object', entries: [...entries, ['lsid', lsid]] };
  }

  /** Replaces {"$saved":"name.path"} by a value of an earlier reply. */
  #substitute(tree: Tree): Tree {
    if (tree.kind === 'array') return { kind: 'array', items: tree.items.map((item) => this.#substitute(item)) };
    if (tree.kind !== 'object') return tree;
    const reference = tree.entries.length === 1 ? textOf(child(tree, '$saved')) : undefined;
    if (reference !== undefined) return this.#savedValue(reference);
    return { kind: 'object', entries: tree.entries.map(([key, value]) => [key, this.#substitute(value)]) };
  }

  #savedValue(reference: string): Tree {
    const [name = '', ...path] = reference.split('.');
    let type = 3;
    let bytes = this.#saved.get(name);
    for (const key of path) {
      const found = bytes && elementsOf(bytes).find((element) => element.key === key);
      type = found?.type ?? 0;
      bytes = found?.bytes;
    }
    if (bytes === undefined) throw new Error(`nothing saved as ${reference}`);
    return { kind: 'bytes', type, bytes };
  }
}
