import type { Drivers } from '../drivers/drivers.js';
import type { Crossed } from '../drivers/wire.js';
import type { HostState, Link } from '../host/model.js';
import type { Lab, LinkEnd, VethLink } from '../lab/model.js';
import { HOST } from '../lab/names.js';
import type { Check } from './model.js';

/** Does each direct link carry frames both ways? Measured with frames of our own, up to the MTU. */
export const checkLinks = (lab: Lab, host: HostState, drivers: Drivers): Promise<Check[]> =>
  Promise.all(lab.links.map(link => checkLink(link, lab, host, drivers)));

interface SeenEnd {
  readonly end: LinkEnd;
  readonly namespace: string | null;
  readonly link: Link | undefined;
}

async function checkLink({ ends }: VethLink, lab: Lab, host: HostState, drivers: Drivers): Promise<Check> {
  const [a, b] = ends.map(end => seenEnd(end, lab, host)) as [SeenEnd, SeenEnd];
  const missing = [a, b].find(({ link }) => link === undefined);
  const down = [a, b].find(({ link }) => link && !link.up);
  const said = (
    reason: string | null,
    hint: string | null,
    crossed?: { there: Crossed; back: Crossed },
  ): Check => ({
    name: 'link',
    vm: `${nameOf(a)} - ${nameOf(b)}`,
    nic: null,
    verdict: reason === null ? 'ok' : 'failed',
    reason,
    hint,
    evidence: {
      ends: [a, b].map(({ namespace, end, link }) => ({
        ...{ namespace, name: link?.name ?? end.name, mtu: link?.mtu ?? null },
        ...{ up: link?.up ?? false, carrier: link?.carrier ?? false },
      })),
      ...crossed,
    },
  });
  if (missing) return said('link-missing', `${nameOf(missing)} does not exist: run vmnet provision`);
  if (down) return said('link-down', `${nameOf(down)} is down: run vmnet provision`);
  const crossed = await drivers.wires.cross(wireEnd(a), wireEnd(b));
  const lost = [...lostBetween(a, b, crossed.there), ...lostBetween(b, a, crossed.back)];
  if (lost.length === 0) return said(null, null, crossed);
  const hint = `${lost.join('; ')}: are the two ends one pair (vmnet status), and does a filter (nft list ruleset, tc filter show) in one of the two namespaces stop them?`;
  return said('frames-lost', hint, crossed);
}

const lostBetween = (from: SeenEnd, to: SeenEnd, { sent, received }: Crossed): string[] =>
  received >= sent ? [] : [`of ${sent} frames from ${nameOf(from)}, ${received} came out at ${nameOf(to)}`];

function seenEnd(end: LinkEnd, lab: Lab, host: HostState): SeenEnd {
  const namespace = lab.namespaces.find(({ name }) => name === end.namespace)?.netns ?? null;
  const links =
    namespace === null ? host.links : (host.namespaces?.find(({ name }) => name === namespace)?.links ?? []);
  return { end, namespace, link: links.find(({ altnames }) => altnames.includes(end.altname)) };
}

const nameOf = ({ end }: SeenEnd) => `${end.namespace ?? HOST}:${end.name}`;

const wireEnd = ({ namespace, link, end }: SeenEnd) => ({
  namespace,
  index: link?.index ?? 0,
  mac: link?.mac ?? end.mac,
  mtu: link?.mtu ?? 0,
});
