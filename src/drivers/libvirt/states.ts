import { ERROR_CODES } from './codes.js';
import { DOMAIN_STATES, type DomainState } from './protocol.js';
import { type Session, unlessFailed, uuidOf } from './session.js';
import { readStats } from './stats.js';
import { Handle, type Native } from './table.js';

const VIR_DOMAIN_STATS_STATE = 1;

export function stateOf(native: Native, domain: Handle<'domain'>): DomainState {
  const state: number[] = [];
  const reason: number[] = [];
  native.virDomainGetState(domain, state, reason, 0);
  return stateBy(state[0], reason[0]);
}

const stateBy = (state = 0, reason = 0): DomainState => ({
  state: DOMAIN_STATES[state] ?? 'nostate',
  reason,
});

/** By UUID, in one round trip for all domains; empty where the hypervisor knows no such statistics. */
export function statesOf({ native, conn }: Session): ReadonlyMap<string, DomainState> {
  const list: (bigint | null)[] = [];
  const count = unlessFailed([ERROR_CODES.NO_SUPPORT], () =>
    native.virConnectGetAllDomainStats(conn, VIR_DOMAIN_STATS_STATE, list, 0),
  );
  const address = list[0] ?? null;
  if (count === null || address === null) return new Map();
  try {
    return new Map(
      readStats(address, count).map(({ domain, ints }) => [
        uuidOf(native, new Handle('domain', domain)),
        stateBy(ints.get('state.state'), ints.get('state.reason')),
      ]),
    );
  } finally {
    native.virDomainStatsRecordListFree(address);
  }
}
