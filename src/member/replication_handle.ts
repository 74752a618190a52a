/** How the parts of a member reach the replication core: queries, and the door for inputs. */
import type { ReplicationCore } from '../replication/core.ts';
import type { InputBody } from '../replication/input.ts';

export interface ReplicationHandle {
  /** Queries only. */
  readonly core: ReplicationCore;
  submit(input: InputBody): void;
}
