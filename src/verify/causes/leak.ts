import type { Diagnosis } from '../diagnosis.js';
import { dotted, FORWARDING } from '../forwarding.js';
import type { Departure, Errand } from '../way/model.js';
import type { Cause, Finding } from './cause.js';

// Causes by which frames get out of a bridge that is meant to be isolated.

const count = (frames: number) => `${frames} ${frames === 1 ? 'frame' : 'frames'}`;

const leak = (reason: string, hint: string): Finding => ({ verdict: 'leak', reason, hint });

/** A port that is none of the lab's leads out of it, whether or not the guest's frames took it this time. */
export const foreignPort: Cause = ({ evidence, target }) => {
  const ports = evidence.way?.foreignPorts ?? [];
  const worst = [...ports].sort((a, b) => b.frames - a.frames)[0];
  if (!worst) return null;
  const seen =
    worst.frames > 0 ? `${count(worst.frames)} of the guest's left by it` : 'what is flooded leaves by it';
  return leak(
    'foreign-port',
    `${worst.port} is a port of ${target.bridge} and none of the lab's: ${seen}. Take it off: ip link set dev ${worst.port} nomaster`,
  );
};

/** The host sends on what it gets from the bridge. */
export const forwardedOut: Cause = ({ evidence, target, diagnosis }) => {
  const { way } = evidence;
  if (way === null) return null;
  for (const errand of way.errands) {
    const [first] = errand.passed;
    if (first) return forwarded(target.bridge, first, whatLeft(errand), errand.family, diagnosis);
  }
  const [own] = way.forwarded;
  return own ? forwarded(target.bridge, own, "of the guest's own", null, diagnosis) : null;
};

const whatLeft = ({ from, family }: Errand) =>
  `of ${family === 'ip' ? 'IPv4' : 'IPv6'} that we sent to the host as a guest would, from ${from}`;

function forwarded(
  bridge: string,
  { port, frames }: Departure,
  whose: string,
  family: Errand['family'] | null,
  diagnosis: Diagnosis,
): Finding {
  const switches = FORWARDING.filter(it => family === null || it.family === family)
    .flatMap(({ paths }) => paths(bridge))
    .filter(path => diagnosis.sysctls[path] === '1')
    .map(path => `${dotted(path)}=1`);
  const why = switches.length > 0 ? `the host forwards (${switches.join(', ')})` : 'the host forwards them';
  const off =
    family === 'ip6'
      ? 'sysctl -w net.ipv6.conf.all.forwarding=0'
      : `sysctl -w ${dotted(`net/ipv4/conf/${bridge}/forwarding`)}=0`;
  return leak(
    'forwarded',
    `${count(frames)} ${whose}, went past every chain of the forward hook, out toward ${port}: ${why}, and no chain drops what comes from ${bridge}. Drop it at a forward hook (iifname ${bridge} drop), or let the host forward nothing from there: ${off}`,
  );
}

/** That nothing was seen to leave says something only where something was sent. */
export const notTried: Cause = ({ evidence, target }) => {
  const { way } = evidence;
  if (way !== null && way.errands.length > 0 && way.errands.every(({ entered }) => entered > 0)) return null;
  return {
    verdict: 'unproven',
    reason: 'not-attempted',
    hint: `nothing was sent into ${target.bridge} for addresses outside, so nothing shows that it would not get there: run vmnet verify without --passive, and once the bridge forwards (STP keeps a new port silent)`,
  };
};
