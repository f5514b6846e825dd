import type { HostState, Link } from '../../host/model.js';
import type { BridgeSettings } from '../../host/ports.js';
import type { Diagnosis } from '../diagnosis.js';
import type { Check, PathEvidence } from '../model.js';
import type { Target } from '../targets.js';

/** Everything that the verdict on one NIC rests on. */
export interface Scene {
  readonly target: Target;
  readonly evidence: PathEvidence;
  readonly host: HostState;
  /** libvirt's word for the state of the guest's domain; null where that is not known. */
  readonly domain: string | null;
  readonly settings: BridgeSettings;
  /** Filters of the host; empty where nothing seemed wrong. */
  readonly diagnosis: Diagnosis;
}

export type Finding = Pick<Check, 'verdict' | 'reason' | 'hint'>;

/** One way in which a path can be wrong; null where it is not. */
export type Cause = (scene: Scene) => Finding | null;

export const blocked = (reason: string, hint: string): Finding => ({ verdict: 'blocked', reason, hint });

/** It spoke to the host, which is counted apart from what it says to its neighbours. */
export const spokeToHost = ({ way }: PathEvidence) => (way?.toHost.entered ?? 0) > 0;

export const linkOf = ({ host }: Scene, name: string | null): Link | undefined =>
  host.links.find(link => link.name === name);
