import type { Link } from './link.js';
import type { InnerRoute } from './routing.js';

/** A network namespace with a name, looked into where it bears a mark of vmnet. */
export interface NamespaceState {
  readonly name: string;
  /** Its id as the host's links count them; null where it has none. */
  readonly id: number | null;
  /** Mark on its loopback interface: `vmnet.LAB.NAME`; null for any that is not ours, of which only the name is known. */
  readonly mark: string | null;
  readonly links: readonly Link[];
  readonly routes: readonly InnerRoute[];
  /** Those that a lab sets, by path below /proc/sys. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Whom the ids of its veths' other ends stand for: the name of a namespace, or null for the host. */
  readonly peers: Readonly<Record<number, string | null>>;
  /** Processes in it. */
  readonly pids: readonly number[];
}
