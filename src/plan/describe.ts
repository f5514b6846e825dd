import { printable } from '../lab/quote.js';
import { memoryText } from '../lab/units.js';
import { type Action, type NicChange, type Plan, stepCount } from './model.js';

/** A plan as text: each step with its reason, and below it what will be run. */
export function describePlan(plan: Plan): string {
  const count = stepCount(plan);
  const heading =
    count === 0
      ? `${plan.lab}: nothing to do, the host is as the lab says`
      : `${plan.lab}: ${count} ${count === 1 ? 'step' : 'steps'}`;
  const phases = plan.phases.flatMap(phase => [
    '',
    phase.title,
    ...phase.steps.flatMap(step => [
      `  + ${step.title}`,
      `      because ${step.why}`,
      ...step.do.flatMap(describeAction),
    ]),
  ]);
  return [heading, ...phases, ...plan.notes.map(note => `\nnote: ${note}`)].join('\n');
}

const VERBS = { plug: 'attach', unplug: 'detach', 'change-nic': 'update' } as const;

const where = ({ live, config }: NicChange) =>
  [...(live ? ['live'] : []), ...(config ? ['definition'] : [])].join(' and ');

function describeAction(action: Action): string[] {
  const indent = (text: string) => `        ${text}`;
  switch (action.kind) {
    case 'ip':
      return action.lines.map(line =>
        indent(`${action.program ?? 'ip'} ${action.family ? '-6 ' : ''}${line}`),
      );
    case 'tc':
      return action.lines.map(line => indent(`tc ${line}`));
    case 'ovs':
      return action.commands.map(words => indent(`ovs-vsctl ${words.join(' ')}`));
    case 'delete-ovs':
      return [indent(`ovs-vsctl --if-exists del-br ${action.bridge}`)];
    case 'delete-links':
      return action.links.map(link => indent(`ip link del dev ${link.altname}`));
    case 'nft':
      return ['nft -f:', ...action.script.trim().split('\n')].map((line, i) =>
        indent(i === 0 ? line : `  ${line}`),
      );
    case 'inside':
      return action.work.flatMap(({ namespace, sysctls, lines }) => [
        ...sysctls.map(([path, value]) =>
          indent(`in ${namespace}: sysctl ${path.replaceAll('/', '.')}=${printable(value)}`),
        ),
        ...lines.map(line => indent(`ip -n ${namespace} ${line}`)),
      ]);
    case 'delete-namespaces':
      return action.namespaces.map(({ name }) => indent(`ip netns del ${name}`));
    case 'iptables':
      return [`${action.program}-restore:`, ...action.script.trim().split('\n')].map((line, i) =>
        indent(i === 0 ? line : `  ${line}`),
      );
    case 'sysctl':
      return [indent(`sysctl ${action.path.replaceAll('/', '.')}=${action.value}`)];
    case 'lro':
      return [indent(`ethtool -K ${action.dev} lro on`)];
    case 'routers':
      return [indent(`wait for ${action.standIns.map(it => it.gateway).join(', ')} on ${action.dev}`)];
    case 'overlay':
      return [
        indent(
          `qemu-img create ${action.path} on ${printable(action.image)} (${action.format})${action.sizeMiB === null ? '' : `, ${memoryText(action.sizeMiB)}`}`,
        ),
      ];
    case 'disk':
      return [indent(`qemu-img create ${action.path}, ${memoryText(action.sizeMiB)}`)];
    case 'seed':
      return [
        indent(
          `make ${action.path} of user-data, ${Object.keys(action.files).join(', ')} (its user data is not shown)`,
        ),
      ];
    case 'mark-file':
      return [indent(`touch ${action.path}`)];
    case 'remove-file':
      return [indent(`rm ${action.path}`)];
    case 'await':
      return [
        indent(
          action.upMarker === null
            ? `wait until ${action.name} is ready: ${action.ready}, ${action.seconds} s at most`
            : `wait until the console of ${action.name} says "${action.upMarker}"`,
        ),
      ];
    case 'tell':
      return [
        indent(action.text === null ? `rm ${action.path}` : `write ${action.path}`),
        ...(action.reload === null ? [] : [indent(action.reload.join(' '))]),
      ];
    case 'reactivate':
      return [indent(`${action.argv.join(' ')}, if NetworkManager lets ${action.dev} be`)];
    case 'freeze-renewer':
      return [indent(`let ${action.client} on ${action.on} stand still`)];
    case 'stop-renewer':
      return [indent(`end ${action.client} on ${action.on}, without releasing its lease`)];
    case 'start-renewer':
      return [indent(action.argv.join(' '))];
    case 'await-renewal':
      return [indent(`wait until ${action.client} has its lease on ${action.on}`)];
    case 'start-dnsmasq':
      return ['dnsmasq --conf-file:', ...action.config.trim().split('\n')].map((line, i) =>
        indent(i === 0 ? line : `  ${line}`),
      );
    case 'stop-dnsmasq':
      return [indent(`end dnsmasq on ${action.bridge}`)];
    case 'autostart':
      return [indent(`libvirt: autostart ${action.name}${action.on ? '' : ' no longer'}`)];
    case 'plug':
    case 'unplug':
    case 'change-nic':
      return [
        indent(`libvirt: ${VERBS[action.kind]} the NIC ${action.mac} of ${action.name} (${where(action)})`),
      ];
    case 'restore-domain':
      return [indent(`libvirt: define ${printable(action.name)} as it was`)];
    case 'define': {
      const from = action.from === undefined ? '' : `, as ${action.from} says`;
      return [indent(`libvirt: define ${action.name}${from}`)];
    }
    case 'mark':
      return [indent(`libvirt: set the metadata of ${action.name} (live)`)];
    case 'undefine':
    case 'start':
    case 'stop':
      return [indent(`libvirt: ${action.kind} ${action.name}`)];
    default:
      return action satisfies never;
  }
}
