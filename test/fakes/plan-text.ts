import type { Action, Plan } from '../../src/plan/model.js';

/** A plan as fixtures hold it: what is done and undone, one line an action, ip's lines as they are run. */
export function planText(plan: Plan) {
  const { record } = plan;
  return {
    steps: plan.phases.flatMap(phase =>
      phase.steps.map(step => ({
        step: `${phase.name}: ${step.title}`,
        why: step.why,
        do: step.do.flatMap(lines),
        undo: step.undo.flatMap(lines),
      })),
    ),
    notes: plan.notes,
    ...(plan.garbage.length > 0 ? { garbage: plan.garbage } : {}),
    record: record && {
      networkOnly: record.networkOnly,
      uplinks: record.uplinks,
      bridgeNetfilter: record.bridgeNetfilter,
      ...(record.forwarding === null ? {} : { forwarding: record.forwarding }),
    },
  };
}

function lines(action: Action): string[] {
  switch (action.kind) {
    case 'ip':
      return action.lines.map(line => `${action.program ?? 'ip'} ${action.family === 6 ? '-6 ' : ''}${line}`);
    case 'tc':
      return action.lines.map(line => `tc ${line}`);
    case 'delete-links':
      return action.links.map(
        ({ altname, createdAs }) =>
          `delete link ${altname}${createdAs === null ? '' : `, or ${createdAs} if it bears no mark`}`,
      );
    case 'nft':
      return action.script
        .trim()
        .split('\n')
        .map(line => `nft ${line}`);
    case 'iptables':
      return action.script
        .trim()
        .split('\n')
        .map(line => `${action.program} ${line}`);
    case 'sysctl':
      return [`sysctl ${action.path}=${action.value}`];
    case 'lro':
      return [`lro of ${action.dev} on`];
    case 'routers':
      return action.standIns.map(({ gateway, line }) => `after ${gateway} on ${action.dev}: ip -6 ${line}`);
    case 'ovs':
      return action.commands.map(words => `ovs-vsctl ${words.join(' ')}`);
    case 'delete-ovs':
      return [`delete the bridge ${action.bridge} of Open vSwitch, if it is of ${action.lab}`];
    case 'overlay':
      return [
        `overlay ${action.path} on ${action.image}, ${action.format}${action.sizeMiB === null ? '' : `, ${action.sizeMiB} MiB`}`,
      ];
    case 'disk':
      return [`disk ${action.path}, ${action.format}, ${action.sizeMiB} MiB`];
    case 'seed':
      return [
        `seed ${action.path}`,
        ...Object.entries(action.files).map(
          ([name, text]) => `  ${name}: ${JSON.stringify(JSON.parse(text))}`,
        ),
      ];
    case 'mark-file':
      return [`mark ${action.path}`];
    case 'remove-file':
      return [`remove ${action.path}`];
    case 'define':
      return [`define ${action.name} ${action.uuid} (${memory(action.xml)})`];
    case 'autostart':
      return [`autostart ${action.name}: ${action.on}`];
    case 'start':
      return [`start ${action.name}, console ${action.console}`];
    case 'await':
      return [`await "${action.upMarker}" of ${action.name}`];
    case 'tell':
      return [
        `${action.text === null ? 'take away' : 'write'} ${action.path}; ${action.reload?.join(' ') ?? 'read at the next start'}`,
      ];
    case 'reactivate':
      return [`${action.argv.join(' ')}, if ${action.dev} is unmanaged`];
    case 'freeze-renewer':
      return [`freeze ${action.client} on ${action.on}`];
    case 'stop-renewer':
      return [`stop ${action.client} on ${action.on}`];
    case 'start-renewer': {
      const { argv, leases, seed } = action;
      return [`start ${argv.join(' ')}${seed ? `, lease of ${seed.on} from ${seed.path} to ${leases}` : ''}`];
    }
    case 'await-renewal': {
      const { client, on, addresses, instead, must } = action;
      return [
        `await ${client} on ${on}: ${addresses.join(', ')}; none on ${instead}${must ? '' : '; or not'}`,
      ];
    }
    case 'inside':
      return action.work.flatMap(({ namespace, sysctls, lines }) => [
        ...sysctls.map(([path, value]) => `in ${namespace}: ${path}=${value}`),
        ...lines.map(line => `in ${namespace}: ${line}`),
      ]);
    case 'delete-namespaces':
      return action.namespaces.map(
        ({ name, mark, created }) => `delete namespace ${name} (${mark}${created ? ', just made' : ''})`,
      );
    case 'start-dnsmasq':
      return [
        `dnsmasq on ${action.bridge}`,
        ...action.config
          .split('\n')
          .slice(1, -1)
          .map(line => `  ${line}`),
      ];
    case 'stop-dnsmasq':
      return [`end dnsmasq on ${action.bridge}`];
    case 'plug':
    case 'unplug':
    case 'change-nic': {
      const where = [...(action.live ? ['live'] : []), ...(action.config ? ['definition'] : [])];
      return [`${action.kind} ${action.mac} of ${action.name}, ${where.join(' and ')}`];
    }
    case 'restore-domain':
      return [`restore ${action.name}, the ${action.to}`];
    case 'mark':
      return [`mark ${action.name}: ${/nics="([^"]*)"/.exec(action.xml)?.[1]}`];
    case 'undefine':
    case 'stop':
      return [`${action.kind} ${action.name}`];
    default:
      return action satisfies never;
  }
}

/** Enough of a definition to tell two apart; test/fixtures/xml has whole ones. */
const memory = (xml: string) =>
  /<memory unit="(MiB)">(\d+)</.exec(xml)?.slice(1).reverse().join(' ') ?? 'no memory';
