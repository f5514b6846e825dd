import type { Phase, PhaseName, Step } from './model.js';

const TITLES: Readonly<Record<PhaseName, string>> = {
  guests: 'Guests',
  remove: 'Remove what the lab no longer has',
  rules: 'Rules',
  bridge: 'Bridge',
  uplink: 'Uplink',
  taps: 'Taps',
  namespaces: 'Namespaces and links',
  services: 'DHCP and DNS',
  domains: "Guests' XML",
  start: 'Start',
};

/** In this order; phases without a step are left out. */
export function phasesOf(steps: Partial<Record<PhaseName, readonly Step[]>>): Phase[] {
  return Object.entries(steps)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => ({ name: name as PhaseName, title: TITLES[name as PhaseName], steps: list }));
}
