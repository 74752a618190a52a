/** The states a member shows to clients and to the other members. */

/** Numbers as they go over the wire. Source: MongoDB manual, "Replica Set Member States". */
export const MEMBER_STATE = {
  STARTUP: 0,
  PRIMARY: 1,
  SECONDARY: 2,
  RECOVERING: 3,
  STARTUP2: 5,
  UNKNOWN: 6,
  ARBITER: 7,
  DOWN: 8,
  ROLLBACK: 9,
  REMOVED: 10,
} as const;

export type MemberStateName = keyof typeof MEMBER_STATE;
export type MemberState = (typeof MEMBER_STATE)[MemberStateName];

const NAMES = new Map<number, MemberStateName>();
for (const [name, state] of Object.entries(MEMBER_STATE)) NAMES.set(state, name as MemberStateName);

/** UNKNOWN for numbers that are no state. */
export function memberStateOf(value: number): MemberState {
  return MEMBER_STATE[NAMES.get(value) ?? 'UNKNOWN'];
}

/** The state's name; what replSetGetStatus shows differs for DOWN alone. */
export function stateName(state: MemberState): MemberStateName {
  return NAMES.get(state) ?? 'UNKNOWN';
}

/** The `stateStr` of replSetGetStatus. */
export function stateText(state: MemberState): string {
  return state === MEMBER_STATE.DOWN ? '(not reachable/healthy)' : stateName(state);
}

/** Whether ordinary reads can be served in this state. */
export function isReadableState(state: MemberState): boolean {
  return state === MEMBER_STATE.PRIMARY || state === MEMBER_STATE.SECONDARY;
}
