/**
 * Files in memory that can crash, for tests and the simulator. What was written and not synced, and names that were
 * made, changed or removed without a sync of their folder, may be lost, kept or torn by a crash of the machine, each
 * write on its own. The death of the process alone loses nothing.
 */
import { IoError, type FileHandle, type Files, type Random } from './env.ts';
import { invariant } from './invariant.ts';

export interface MemoryFilesOptions {
  /** Awaited by each sync before it counts; nothing is synced while it is pending. */
  readonly syncDelay?: () => Promise<void>;
  /** All files together may be this large. */
  readonly capacityBytes?: number;
}

/** A change of a file that no sync covers yet. */
type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/** A change of the names that no sync of a folder covers yet. */
type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly content: Content }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string };

class GrowingBytes {
  #bytes = new Uint8Array(0);
  size = 0;

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  write(bytes: Uint8Array, position: number): void {
    this.resize(Math.max(this.size, position + bytes.length));
    this.#bytes.set(bytes, position);
  }

  /** What is added holds zeros. */
  resize(sizeBytes: number): void {
    if (sizeBytes > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(sizeBytes, this.#bytes.length * 2, 64));
      larger.set(this.view());
      this.#bytes = larger;
    } else if (sizeBytes < this.size) {
      this.#bytes.fill(0, sizeBytes, this.size);
    }
    this.size = sizeBytes;
  }

  copyOf(other: GrowingBytes): void {
    this.#bytes = other.view().slice();
    this.size = other.size;
  }
}

class Content {
  readonly live = new GrowingBytes();
  readonly durable = new GrowingBytes();
  unsynced: Change[] = [];
  #changesSynced = 0;

  change(change: Change): void {
    apply(this.live, change);
    this.unsynced.push(change);
  }

  /** Counts the changes ever made: what a sync that begins now covers. */
  get changes(): number {
    return this.#changesSynced + this.unsynced.length;
  }

  /** Makes the first `changes` durable; another sync may have done so for some of them. */
  completeSync(changes: number): void {
    const covered = this.unsynced.splice(0, Math.max(0, changes - this.#changesSynced));
    for (const change of covered) apply(this.durable, change);
    this.#changesSynced += covered.length;
  }
}

function apply(bytes: GrowingBytes, change: Change): void {
  if (change.kind === 'write') bytes.write(change.bytes, change.position);
  else bytes.resize(change.sizeBytes);
}

const NEVER = new Promise<void>(() => {});

export class MemoryFiles implements Files {
  readonly #directories = new Set<string>(['']);
  readonly #durableNames = new Map<string, Content>();
  #names = new Map<string, Content>();
  #nameChanges: NameChange[] = [];
  #life = 0;
  /** May be changed at any time. */
  capacityBytes: number;
  syncDelay: () => Promise<void>;
  /** Writes, or syncs, throw this until it is undefined again. */
  writeFailure: IoError | undefined;
  syncFailure: IoError | undefined;
  /** Syncs that have begun. */
  syncs = 0;

  constructor(options: MemoryFilesOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.syncDelay = options.syncDelay ?? (() => Promise.resolve());
  }

  /** The process dies: open handles are useless, syncs that have not ended never do, everything written stays. */
  kill(): void {
    this.#life += 1;
  }

  /** The machine dies: as {@link kill}, and what was not synced is kept, lost or torn as chance has it. */
  crash(random: Random): void {
    this.kill();
    const kept = random.uint32() % (this.#nameChanges.length + 1);
    for (const change of this.#nameChanges.slice(0, kept)) changeNames(this.#durableNames, change);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const content of new Set(this.#names.values())) crashContent(content, random);
  }

  /**
   * The files as one process sees them: all calls fail once it is dead, so that what is left running of it changes
   * nothing. Take a new one after {@link kill} or {@link crash}.
   */
  process(): Files {
    return new ProcessFiles(this);
  }

  /** The bytes of all files. */
  get sizeBytes(): number {
    let sum = 0;
    for (const content of this.#names.values()) sum += content.live.size;
    return sum;
  }

  makeDirectory(path: string): void {
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) this.#directories.add(parts.slice(0, i).join('/'));
  }

  list(path: string): string[] {
    const prefix = path === '' ? '' : `${path}/`;
    const all = [...this.#names.keys(), ...this.#directories].filter((name) => name !== '' && name.startsWith(prefix));
    const direct = all.map((name) => name.slice(prefix.length)).filter((name) => name !== '' && !name.includes('/'));
    return [...new Set(direct)].toSorted();
  }

  exists(path: string): boolean {
    return this.#names.has(path) || this.#directories.has(path);
  }

  remove(path: string): void {
    this.#content(path);
    this.#changeNames({ kind: 'unlink', path });
  }

  rename(from: string, to: string): void {
    this.#content(from);
    this.#changeNames({ kind: 'rename', from, to });
  }

  open(path: string): FileHandle {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (!this.#directories.has(folder)) throw new IoError('notFound', `there is no folder ${folder}`);
    let content = this.#names.get(path);
    if (content === undefined) {
      content = new Content();
      this.#changeNames({ kind: 'link', path, content });
    }
    return new MemoryFile(this, content, path);
  }

  async syncDirectory(path: string): Promise<void> {
    invariant(this.exists(path), `the folder ${path} exists`);
    await this.sync(() => {
      for (const change of this.#nameChanges) changeNames(this.#durableNames, change);
      this.#nameChanges = [];
    });
  }

  /** Counts up when the process dies; handles belong to one life. */
  get life(): number {
    return this.#life;
  }

  /** Runs `complete` after the delay, unless the process died meanwhile: it never resolves then. */
  async sync(complete: () => void): Promise<void> {
    const life = this.#life;
    this.syncs += 1;
    await this.syncDelay();
    if (life !== this.#life) return NEVER;
    if (this.syncFailure !== undefined) throw this.syncFailure;
    complete();
  }

  /** Throws when a file cannot grow by so much. */
  checkRoom(moreBytes: number): void {
    if (this.writeFailure !== undefined) throw this.writeFailure;
    if (moreBytes <= 0 || this.sizeBytes + moreBytes <= this.capacityBytes) return;
    throw new IoError('noSpace', 'no space left on the device');
  }

  /** A copy of a file's bytes. */
  contentOf(path: string): Uint8Array {
    return this.#content(path).live.view().slice();
  }

  /** Changes a file behind the program's back, durably: bits that flip on the disk. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    const content = this.#content(path);
    change(content.live.view());
    content.durable.copyOf(content.live);
    content.unsynced = [];
  }

  /** A copy with the same files, everything in it durable. */
  clone(): MemoryFiles {
    const copy = new MemoryFiles({ capacityBytes: this.capacityBytes });
    for (const directory of this.#directories) copy.#directories.add(directory);
    for (const [path, { live }] of this.#names) {
      const content = new Content();
      content.live.copyOf(live);
      content.durable.copyOf(live);
      copy.#names.set(path, content);
      copy.#durableNames.set(path, content);
    }
    return copy;
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined) throw new IoError('notFound', `there is no file ${path}`);
    return content;
  }

  #changeNames(change: NameChange): void {
    if (this.writeFailure !== undefined) throw this.writeFailure;
    changeNames(this.#names, change);
    this.#nameChanges.push(change);
  }
}

function changeNames(names: Map<string, Content>, change: NameChange): void {
  if (change.kind === 'link') names.set(change.path, change.content);
  else if (change.kind === 'unlink') names.delete(change.path);
  else {
    const content = names.get(change.from);
    if (content !== undefined) names.set(change.to, content);
    names.delete(change.from);
  }
}

/** Each write is kept, lost or torn on its own, as a disk writes pages in any order. */
function crashContent(content: Content, random: Random): void {
  for (const change of content.unsynced) {
    const fate = random.uint32() % 4;
    if (fate === 0) continue;
    if (fate !== 1 || change.kind !== 'write') apply(content.durable, change);
    else tear(content.durable, change.bytes, change.position, random);
  }
  content.unsynced = [];
  content.live.copyOf(content.durable);
}

/** Keeps a part of a write: from any byte to any other. */
function tear(bytes: GrowingBytes, written: Uint8Array, position: number, random: Random): void {
  const a = random.uint32() % (written.length + 1);
  const b = random.uint32() % 2 === 0 ? 0 : random.uint32() % (written.length + 1);
  const [start, end] = a < b ? [a, b] : [b, a];
  if (start < end) bytes.write(written.subarray(start, end), position + start);
}

class ProcessFiles implements Files {
  readonly #files: MemoryFiles;
  readonly #life: number;

  constructor(files: MemoryFiles) {
    this.#files = files;
    this.#life = files.life;
  }

  makeDirectory(path: string): void {
    this.#alive().makeDirectory(path);
  }

  list(path: string): string[] {
    return this.#alive().list(path);
  }

  exists(path: string): boolean {
    return this.#alive().exists(path);
  }

  remove(path: string): void {
    this.#alive().remove(path);
  }

  rename(from: string, to: string): void {
    this.#alive().rename(from, to);
  }

  open(path: string): FileHandle {
    return this.#alive().open(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#life === this.#files.life ? this.#files.syncDirectory(path) : NEVER;
  }

  #alive(): MemoryFiles {
    if (this.#life !== this.#files.life) throw new IoError('io', 'the process is dead');
    return this.#files;
  }
}

class MemoryFile implements FileHandle {
  readonly #files: MemoryFiles;
  readonly #content: Content;
  readonly #path: string;
  readonly #life: number;
  #isOpen = true;

  constructor(files: MemoryFiles, content: Content, path: string) {
    this.#files = files;
    this.#content = content;
    this.#path = path;
    this.#life = files.life;
  }

  size(): number {
    this.#check();
    return this.#content.live.size;
  }

  read(into: Uint8Array, position: number): number {
    this.#check();
    const bytes = this.#content.live.view().subarray(position, position + into.length);
    into.set(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array, position: number): void {
    this.#check();
    this.#files.checkRoom(position + bytes.length - this.#content.live.size);
    this.#content.change({ kind: 'write', position, bytes: bytes.slice() });
  }

  async writeLater(bytes: Uint8Array, position: number): Promise<void> {
    this.write(bytes, position);
  }

  allocate(sizeBytes: number): void {
    this.#check();
    const { size } = this.#content.live;
    if (sizeBytes <= size) return;
    this.#files.checkRoom(sizeBytes - size);
    this.#content.change({ kind: 'truncate', sizeBytes });
  }

  truncate(sizeBytes: number): void {
    this.#check();
    this.#files.checkRoom(sizeBytes - this.#content.live.size);
    this.#content.change({ kind: 'truncate', sizeBytes });
  }

  async sync(): Promise<void> {
    this.#check();
    const { changes } = this.#content;
    await this.#files.sync(() => this.#content.completeSync(changes));
  }

  close(): void {
    this.#check();
    this.#isOpen = false;
  }

  #check(): void {
    invariant(this.#isOpen, `${this.#path} is open`);
    if (this.#life !== this.#files.life) throw new IoError('io', 'the process that opened the file is dead');
  }
}
