import type { HostState, NamespaceState } from '../host/model.js';
import type { Lab, Namespace } from '../lab/model.js';
import type { Check } from './model.js';

/** Is the namespace there, ours, and are its interfaces up, with the addresses that the lab gives them? */
export function checkNamespace(namespace: Namespace, lab: Lab, host: HostState): Check {
  const state = host.namespaces?.find(({ name }) => name === namespace.netns);
  const missing = state ? `${namespace.netns} is not the lab's own` : `${namespace.netns} does not exist`;
  const [fault]: readonly Fault[] =
    state?.mark === namespace.altname ? faultsOf(namespace, lab, state) : [['namespace-missing', missing]];
  return {
    name: 'namespace',
    vm: namespace.name,
    nic: null,
    verdict: fault ? 'failed' : 'ok',
    reason: fault?.[0] ?? null,
    hint: fault ? `${fault[1]}: run vmnet provision` : null,
    evidence: { netns: namespace.netns, links: state?.links.map(({ name }) => name) ?? [] },
  };
}

type Fault = readonly [reason: string, what: string];

function faultsOf({ name, netns, nics }: Namespace, lab: Lab, { links }: NamespaceState): Fault[] {
  const ends = lab.links.flatMap(link => link.ends.filter(end => end.namespace === name));
  return [...nics, ...ends].flatMap((wanted): Fault[] => {
    const link = links.find(({ altnames }) => altnames.includes(wanted.altname));
    if (link === undefined) return [['interface-missing', `${wanted.name} in ${netns} does not exist`]];
    if (!link.up) return [['interface-down', `${link.name} in ${netns} is down`]];
    const present = new Set(link.addresses.map(({ local, prefix }) => `${local}/${prefix}`));
    return wanted.addresses
      .filter(cidr => !present.has(cidr))
      .map(cidr => ['address-missing', `${link.name} in ${netns} lacks its address ${cidr}`]);
  });
}
