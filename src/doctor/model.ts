/** `fault`: provision would fail, or a guest would be cut off. `warning`: it goes, with a drawback; or it was not seen. */
export type Status = 'ok' | 'warning' | 'fault';

/** One thing that was looked at. */
export interface Finding {
  /** A stable word for programs; several findings may bear it, told apart by their subject. */
  readonly id: string;
  /** What was looked at, for people: `KVM`, `eth0`. */
  readonly subject: string;
  readonly status: Status;
  readonly found: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do, a line each; null where nothing has to be done. */
  readonly fix: string | null;
}

/** How every finding begins that says that nothing was found out. */
const UNSEEN = 'not looked at: ';

export const isUnseen = (finding: Finding) => finding.found.startsWith(UNSEEN);

/** What can be said about one thing. */
export interface About {
  ok(found: string): Finding;
  warning(found: string, fix: string | null): Finding;
  fault(found: string, fix: string | null): Finding;
  /** It could not be looked at, which is neither good nor bad. */
  unseen(reason: string, fix: string | null): Finding;
}

export function about(id: string, subject: string, why: string): About {
  const say = (status: Status) => (found: string, fix: string | null) => ({
    id,
    subject,
    status,
    found,
    why,
    fix,
  });
  return {
    ok: found => say('ok')(found, null),
    warning: say('warning'),
    fault: say('fault'),
    unseen: (reason, fix) => say('warning')(UNSEEN + reason, fix),
  };
}
