import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { NamespaceDump } from '../drivers/netns.js';
import { VmnetError } from '../errors.js';
import type { Lab } from '../lab/model.js';
import { number, string } from './json.js';
import { parseLink } from './links.js';
import type { HostState, InnerRoute, LabRecord, NamespaceState } from './model.js';

/** The mark on a namespace's loopback interface; altnames of links have a place behind the lab's and the endpoint's. */
const MARK = /^vmnet\.[^.]+\.[^.]+$/;

/**
 * The named network namespaces, those of ours from inside: in this process, without another for each.
 * @throws {VmnetError} `permission` where one that a lab wants may not be entered
 */
export async function namespacesFor(
  lab: Lab | null,
  records: readonly LabRecord[],
  { namespaces }: Drivers,
): Promise<Pick<HostState, 'namespaces' | 'namespaceFolder'>> {
  const labs = [...records.map(record => record.lab), ...(lab ? [lab] : [])];
  const wanted = new Map<string, string[]>();
  for (const { netns, sysctls } of labs.flatMap(it => it.namespaces))
    wanted.set(netns, [...new Set([...(wanted.get(netns) ?? []), ...Object.keys(sysctls)])]);
  const seen = await namespaces.look({
    isOurs: altnames => altnames.some(altname => MARK.test(altname)),
    sysctls: name => wanted.get(name) ?? [],
  });
  const shut = seen.find(({ name, refused }) => refused && wanted.has(name));
  if (shut)
    throw new VmnetError(
      'permission',
      `the network namespace ${shut.name} can only be looked into by root`,
      'Run vmnet as root (sudo); inside a container, the container needs CAP_SYS_ADMIN.',
    );
  const folder = await namespaces.hasFolder();
  return { ...(seen.length > 0 ? { namespaces: seen.map(parseNamespace) } : {}), namespaceFolder: folder };
}

export function parseNamespace({ name, id, peers, pids, sysctls, ...dump }: NamespaceDump): NamespaceState {
  const links = dump.links.map(parseLink);
  const lo = links.find(link => link.type === 'loopback');
  return {
    ...{ name, id, links, sysctls, peers, pids },
    mark: lo?.altnames.find(altname => MARK.test(altname)) ?? null,
    routes: dump.routes.map(parseInnerRoute),
  };
}

const parseInnerRoute = (json: IpJson): InnerRoute => ({
  family: number(json.family) === 6 ? 6 : 4,
  dst: string(json.dst) ?? '',
  gateway: string(json.gateway),
  dev: string(json.dev),
  protocol: string(json.protocol) ?? '',
  metric: number(json.metric),
});
