import type { Target } from '../targets.js';
import { type Cause, type Finding, type Scene, spokeToHost } from './cause.js';

// Causes that lie with the guest itself.

/** Words of libvirt's for a guest that sends nothing, and the reason that each gives. */
const DEAD: Readonly<Record<string, string>> = {
  crashed: 'guest-crashed',
  paused: 'guest-paused',
  pmsuspended: 'guest-paused',
};

export const notRunning = ({
  domain,
  target,
}: Pick<Scene, 'domain'> & { readonly target: Pick<Target, 'domain' | 'existing'> }): Finding | null => {
  if (domain === null || domain === 'running' || domain === 'blocked') return null;
  const reason = DEAD[domain] ?? 'guest-not-running';
  const start = target.existing
    ? `it is not for vmnet to start: virsh start ${target.domain}, then vmnet verify`
    : 'vmnet provision starts it';
  const fix = reason === 'guest-paused' ? `virsh resume ${target.domain}` : start;
  return { verdict: 'unproven', reason, hint: `the domain ${target.domain} is ${domain}: ${fix}` };
};

/** It sends, but under a MAC that the lab does not know. */
export const foreignMac: Cause = ({ evidence, target }) => {
  const foreign = evidence.strangers.filter(({ port }) => port === target.tap);
  if (foreign.length === 0 || evidence.bridge.prerouting > 0 || evidence.multicast > 0) return null;
  return {
    verdict: 'blocked',
    reason: 'foreign-mac',
    hint: `the guest sends as ${foreign.map(({ mac }) => mac).join(', ')} instead of ${target.nic.mac}: take the MAC off its interface's configuration, or write it into the lab file`,
  };
};

/** Its way out alone was seen. */
export const late: Cause = ({ evidence }) =>
  evidence.late
    ? {
        verdict: 'unproven',
        reason: 'spoke-late',
        hint: 'the guest spoke only as the proof was about to end, so its way in was not asked for: run vmnet verify again, with a longer --timeout',
      }
    : null;

export const silent: Cause = ({ evidence, target }) => {
  if (evidence.bridge.prerouting > 0 || spokeToHost(evidence)) return null;
  if (evidence.multicast > 0) {
    return {
      verdict: 'unproven',
      reason: 'only-multicast',
      hint: `the guest sends broadcast or multicast (${evidence.multicast} frames), but answers nobody; tried: ${evidence.tried.join(', ')}. Name its "address" in the lab file, so that it can be asked`,
    };
  }
  if (evidence.tap.received > 0) return null;
  return {
    verdict: 'unproven',
    reason: 'guest-silent',
    hint: `no frame from the guest was seen on ${target.tap}; tried: ${evidence.tried.join(', ')}. Is it up, and is its interface?`,
  };
};
