import type { PathEvidence } from '../model.js';
import type { Errand, WayOut } from './model.js';

/** The way up the host's IP stack and out, in sentences that tell whose frames each measurement was made with. */
export function explainWay({ way, intent, tap, bridge }: PathEvidence): string[] {
  if (way === null) return [];
  return [
    `Guest → host, with the guest's own frames: ${way.toHost.entered} for the host reached ${bridge.name}, ${way.toHost.input} went up past every chain of it, and the IP stack saw ${way.toHost.stack} as IP.`,
    outward(way),
    ...way.errands.map(errand => tell(errand, intent === 'isolated')),
    ...(intent === 'isolated' ? [foreign(way, bridge.name)] : [cost(way, tap.name)]),
  ].filter(Boolean);
}

function outward({ outward: own, forwarded }: WayOut): string {
  const sent =
    own > 0
      ? `asked from outside, it sent ${own} frames to the host to be passed on, so the host is its gateway`
      : 'asked from outside, it sent nothing to the host to be passed on: it was not asked, or has no route by way of the host';
  const gone = forwarded.map(({ port, frames }) => `${frames} toward ${port}`).join(', ');
  return `Guest → outside, with the guest's own frames: ${sent}; past every chain of the forward hook went ${gone || 'none'}.`;
}

function tell(errand: Errand, sealed: boolean): string {
  const { family, from, to, entered, stack, forward, passed, left, captured, answers } = errand;
  const what = `${family === 'ip' ? 'IPv4' : 'IPv6'}, with frames of ours as a guest would send them${from ? `, from ${from}` : ''} to ${to.join(', ')}`;
  const hops = `${entered} reached the bridge, ${stack} the host's IP stack, ${forward} the forward hook`;
  const list = (all: readonly { port: string; frames: number; source?: string }[]) =>
    all
      .map(
        ({ port, frames, source }) =>
          `${frames} toward ${port}${source === undefined ? '' : source === from ? `, from the same address` : `, translated to ${source}`}`,
      )
      .join(', ') || 'none';
  if (sealed)
    return `${what}: ${hops}; past every chain of it: ${list(passed)}. Those were dropped there by the proof itself, so that nothing left.`;
  const seen = captured === null ? '' : `; ${captured} were captured leaving, with one hop left to live`;
  const back = answers.length === 0 ? '' : `; answered by ${answers.join(', ')}`;
  const aside = errand.decides
    ? ''
    : ' The verdict does not rest on it, since the host has no default route for it.';
  return `${what}: ${hops}; past every chain of the way out: ${list(left)}${seen}${back}.${aside}`;
}

const foreign = ({ foreignPorts }: WayOut, bridge: string) =>
  foreignPorts.length === 0
    ? `Every port of ${bridge} is the lab's, or a tap.`
    : `Ports of ${bridge} that are none of the lab's: ${foreignPorts.map(({ port, frames }) => `${port} (${frames} frames of the guest's left there)`).join(', ')}.`;

/** Hooks of netfilter that a frame passes either way. */
const SWITCHED = 3;
const ROUTED = 5;

function cost({ cost: { routedUs, switchedUs }, errands }: WayOut, tap: string): string {
  const out = errands.flatMap(({ left }) => left).at(0)?.port;
  if (routedUs === null || out === undefined) return '';
  const beside =
    switchedUs === null
      ? 'the direct path could not be timed beside it'
      : `${switchedUs} µs and ${SWITCHED} for a frame that is switched to ${tap}`;
  return `What it costs, at best: ${routedUs} µs and ${ROUTED} netfilter hooks from a port of ours on the bridge up the stack to ${out}, beside ${beside}.`;
}
