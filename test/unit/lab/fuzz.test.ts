import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VmnetError } from '../../../src/errors.js';
import type { HostState } from '../../../src/host/model.js';
import { difference } from '../../../src/host/normalise.js';
import { LabError, loadLab } from '../../../src/lab/load.js';
import type { Lab } from '../../../src/lab/model.js';
import { type Problem, problemLine } from '../../../src/lab/problem.js';
import { Sealed } from '../../../src/lab/sealed.js';
import { describePlan } from '../../../src/plan/describe.js';
import { planDestroy } from '../../../src/plan/destroy.js';
import type { Action, Plan } from '../../../src/plan/model.js';
import { planProvision } from '../../../src/plan/plan.js';
import { consolePath, renderDomain } from '../../../src/render/domain.js';
import { child, children, type Element, parse } from '../../../src/render/xml.js';
import { counterScript } from '../../../src/verify/counters.js';
import { targetsOf } from '../../../src/verify/targets.js';
import { anyBytes, anyEditedBytes, anyKeywordText, anyMutatedText } from '../../fakes/arbitrary-text.js';
import { hostFrom } from '../../fakes/describe-host.js';
import { type FakeHost, STATE_DIR } from '../../fakes/host.js';
import { isKnownLine, vocabulary } from '../../fakes/ip-grammar.js';
import { carryOut, renderContext } from '../../fakes/labs.js';

/** Another seed finds other things: VMNET_FUZZ_SEED=n, and VMNET_FUZZ_RUNS=n for n times as many. */
const SEED = Number(process.env.VMNET_FUZZ_SEED ?? 1);
const TIMES = Number(process.env.VMNET_FUZZ_RUNS ?? 1);
const runs = (count: number) => ({ seed: SEED, numRuns: count * TIMES });

/** Characters that a terminal acts upon. */
const UNPRINTABLE =
  /[\0-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/;

/** Nothing that a lab says, however wrong, takes more to print. */
const LONGEST_MESSAGE = 256 * 1024;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vmnet-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A lab, or null after a refusal that says everything; any other error is a failure. */
async function load(content: string | Uint8Array): Promise<Lab | null> {
  const file = join(folder, 'lab.json');
  writeFileSync(file, content);
  try {
    // Whether images are there is another matter.
    return withOwnXml(await loadLab(file, { files: 'skip' }));
  } catch (error) {
    expect(error).toBeInstanceOf(LabError);
    checkRefusal(error as LabError);
    return null;
  }
}

/** Domain XML that a lab names was not read: something stands for it. */
const withOwnXml = (lab: Lab): Lab => ({
  ...lab,
  vms: lab.vms.map(vm =>
    vm.boot.kind === 'domainXml'
      ? { ...vm, boot: { ...vm.boot, xml: new Sealed('<domain><devices/></domain>') } }
      : vm,
  ),
});

function checkRefusal({ code, message, hint, problems }: LabError): void {
  expect(code).toBe('bad-lab');
  expect(problems.length).toBeGreaterThan(0);
  expect(printed(`${message}\n${hint}`)).toBe(true);
  expect(problems.filter(problem => !isWhole(problem))).toEqual([]);
}

/** A problem with its place, what is wrong and what to do. */
const isWhole = (problem: Problem) =>
  printed(problemLine(problem)) &&
  printed(problem.path) &&
  problem.message !== '' &&
  problem.fix !== '' &&
  (problem.path === '' || problem.path.startsWith('/')) &&
  problem.line > 0 &&
  problem.column > 0;

const printed = (text: string) => text.length < LONGEST_MESSAGE && isPrintable(text);

const isPrintable = (text: string) =>
  text.split('\n').every(line => !UNPRINTABLE.test(line.replace(/[\ud800-\udbff][\udc00-\udfff]/g, 'x')));

/** A host that has what the lab asks for, with something to move. */
function hostFor(lab: Lab): Promise<FakeHost> {
  const uplinks = lab.bridges.flatMap(bridge => bridge.uplink ?? []);
  return hostFrom({
    ovs: [],
    links: Object.fromEntries(
      uplinks.map((name, n) => [name, { addresses: [`10.99.${n}.2/24`], mtu: 9000 }]),
    ),
    routes: uplinks.map((name, n) => `10.98.${n}.0/24 via 10.99.${n}.1 dev ${name} proto static metric 7`),
    rules: [
      'from all pref 0 lookup local',
      ...uplinks.map((name, n) => `from all iif ${name} pref ${n + 9} lookup main`),
    ],
  });
}

/** Everything that a lab makes us say, on a host where it can be had. */
async function checkPlans(lab: Lab): Promise<void> {
  const host = await hostFor(lab);
  const before = host.observe();
  const context = renderContext(lab, before);
  const options = { yes: true };
  const plan = planned(() => planProvision(lab, before, context, options));
  if (plan === null) return;
  checkPlan(planProvision(lab, before, null, options), lab, before);
  checkPlan(plan, lab, before);
  for (const vm of lab.vms) checkXml(lab, vm, context);
  checkCounters(lab, before);
  if (lab.vms.flatMap(vm => vm.nics).length > 40) return;
  await carryOut(plan, host);
  const after = host.observe();
  expect(planProvision(lab, after, context, options).phases).toEqual([]);
  checkCounters(lab, after);
  const end = planDestroy(lab.name, after, STATE_DIR);
  checkPlan(end, lab, after);
  await carryOut(end, host);
  expect(difference(before, host.observe())).toEqual([]);
}

/** Null where the lab does not fit the host, said as it must be. */
function planned(make: () => Plan): Plan | null {
  try {
    return make();
  } catch (error) {
    expect(error).toBeInstanceOf(VmnetError);
    const { code, message, hint } = error as VmnetError;
    expect(['bad-lab', 'conflict']).toContain(code);
    expect(printed(`${message}\n${hint}`)).toBe(true);
    return null;
  }
}

function checkPlan(plan: Plan, lab: Lab, host: HostState): void {
  // As long as the lab is large.
  expect(isPrintable(describePlan(plan))).toBe(true);
  const known = vocabulary(lab, host);
  const steps = plan.phases.flatMap(phase => phase.steps);
  const actions = steps.flatMap(step => [...step.do, ...step.undo]);
  const lines = actions.flatMap(action =>
    action.kind === 'ip'
      ? action.lines
      : action.kind === 'inside'
        ? action.work.flatMap(work => work.lines)
        : [],
  );
  expect(lines.filter(line => !isKnownLine(line, known))).toEqual([]);
  for (const action of actions) checkAction(action, lab);
  for (const path of plan.garbage) expect(isBelow(path, STATE_DIR)).toBe(true);
  expect(isBelow(`${STATE_DIR}/labs/${plan.lab}/record.json`, `${STATE_DIR}/labs/${lab.name}`)).toBe(true);
}

const TC_LINE =
  /^qdisc (del dev [A-Za-z0-9][A-Za-z0-9_.-]{0,14} root|(replace|add) dev [A-Za-z0-9][A-Za-z0-9_.-]{0,14} (root handle [0-9a-f]{4}:|parent [0-9a-f]{4}:1) (tbf|netem)( [a-z0-9.%]+)+)$/;

const isBelow = (path: string, folder: string) => resolve(path) === path && path.startsWith(`${folder}/`);

/** A name, an option, or a column with what it is set to; ovs-vsctl takes `--` for the next command. */
const OVS_WORD =
  /^(--(may|if)-exists?|[A-Za-z0-9][A-Za-z0-9_.-]{0,14}|[a-z_]+(:[a-z-]+)?=([a-z0-9-]+|\[[0-9,]*\]|"[A-Za-z0-9_:-]+"))$/;
const NETNS = /^[A-Za-z0-9][A-Za-z0-9_-]{2,95}$/;
/** Every line that vmnet writes; no name can be taken for anything else. */
const DNSMASQ_LINE = new RegExp(
  [
    '# Made by vmnet for the lab [A-Za-z0-9_-]{1,32}: [a-z ]+\\.',
    'interface=[A-Za-z0-9][A-Za-z0-9_.-]{0,14}',
    'except-interface=lo|bind-dynamic|no-hosts|domain-needed|bogus-priv|no-resolv|dhcp-authoritative|no-ping',
    '(domain=|local=/)[a-z0-9.-]+/?',
    'dhcp-range=[0-9.]+,[0-9.]+,[0-9.]+,[0-9]+',
    'dhcp-option=option:(router|dns-server,[0-9.,]+)',
    'dhcp-host=[0-9a-f:]{17}(,[0-9.]+)?(,[a-z0-9][a-z0-9_-]{0,62}(\\.[a-z0-9-]+)*\\.[a-z][a-z0-9-]*)?',
    'host-record=[a-z0-9][a-z0-9_-]{0,62}(\\.[a-z0-9-]+)*\\.[a-z][a-z0-9-]*,[0-9a-f.:]+',
    '',
  ]
    .map(line => `(^(${line})$)`)
    .join('|'),
);

function checkAction(action: Action, lab: Lab): void {
  switch (action.kind) {
    case 'ip':
      return;
    case 'nft':
      return;
    case 'iptables':
      expect(action.script).toMatch(/^\*filter\n([A-Za-z0-9_.:" -]|\[0:0\]|\n)+COMMIT\n$/);
      return;
    case 'tc':
      for (const line of action.lines) expect(line).toMatch(TC_LINE);
      return;
    case 'sysctl':
      expect(isBelow(`/proc/sys/${action.path}`, '/proc/sys/net')).toBe(true);
      expect(action.value).toMatch(/^-?[0-9]{1,12}$/);
      return;
    case 'ovs':
      for (const word of action.commands.flat()) expect(word).toMatch(OVS_WORD);
      return;
    case 'delete-ovs':
      expect(action.bridge).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      return;
    case 'delete-links':
      for (const { altname, createdAs } of action.links) {
        expect(altname).toMatch(/^vmnet\.[A-Za-z0-9_.-]{1,120}$/);
        expect(createdAs ?? 'none').toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      }
      return;
    case 'overlay':
      expect(isBelow(action.path, `${STATE_DIR}/disks/${lab.name}`)).toBe(true);
      expect(action.image).toBe(resolve(action.image)); // so no option, and no protocol, of qemu-img
      return;
    case 'disk':
    case 'seed':
    case 'mark-file':
      expect(isBelow(action.path, `${STATE_DIR}/disks/${lab.name}`)).toBe(true);
      return;
    case 'remove-file':
      expect(isBelow(action.path, STATE_DIR)).toBe(true);
      return;
    case 'inside':
      for (const { namespace, sysctls } of action.work) {
        expect(namespace).toMatch(NETNS);
        for (const [path, value] of sysctls) {
          expect(isBelow(`/proc/sys/${path}`, '/proc/sys/net')).toBe(true);
          expect(printed(value) && !value.includes('\n')).toBe(true);
        }
      }
      return;
    case 'delete-namespaces':
      for (const { name, mark } of action.namespaces) {
        expect(name).toMatch(NETNS);
        expect(mark).toMatch(/^vmnet\.[A-Za-z0-9_-]{1,32}\.[A-Za-z0-9_-]{1,63}$/);
      }
      return;
    case 'lro':
    case 'routers':
    case 'reactivate':
      expect(action.dev).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      return;
    case 'tell':
      expect(isBelow(action.path, '/run')).toBe(true);
      return;
    case 'start-dnsmasq':
      expect(action.digest).toMatch(/^[0-9a-f]{16}$/);
      for (const line of action.config.split('\n')) expect(line).toMatch(DNSMASQ_LINE);
      expect(action.lab).toBe(lab.name);
      expect(lab.bridges.map(({ name }) => name)).toContain(action.bridge);
      return;
    case 'stop-dnsmasq':
      expect(action.lab).toBe(lab.name);
      expect(action.bridge).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      return;
    case 'freeze-renewer':
    case 'stop-renewer':
    case 'start-renewer':
    case 'await-renewal':
      expect(action.on).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
      return;
    default:
      expect(action.name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{2,95}$/);
      expect(action.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      if ('console' in action)
        expect(isBelow(action.console, `${STATE_DIR}/consoles/${lab.name}`)).toBe(true);
  }
}

/** The document says what the lab says, and nothing else. */
function checkXml(lab: Lab, vm: Lab['vms'][number], context: Parameters<typeof renderDomain>[2]): void {
  const { xml } = renderDomain(lab, vm, context);
  expect(printed(xml)).toBe(true);
  const domain = parse(xml);
  const text = (key: string, of: Element = domain) => children(of, key)[0];
  const mark = child(child(domain, 'metadata'), 'vmnet:endpoint').$;
  expect([text('name'), text('uuid')]).toEqual([vm.domain, vm.uuid]);
  expect(mark).toMatchObject({ lab: lab.name, vm: vm.name });
  const devices = child(domain, 'devices');
  const interfaces = children(devices, 'interface').map(nic => [
    child(nic, 'target').$?.dev,
    child(nic, 'mac').$?.address,
  ]);
  expect(interfaces).toEqual(vm.nics.map(nic => [nic.tap, nic.mac]));
  if (vm.boot.kind === 'domainXml') return;
  expect(child(child(devices, 'serial'), 'log').$?.file).toBe(consolePath(STATE_DIR, lab.name, vm.name));
  expect(children(devices, 'disk').length).toBe(vm.disks.length + (vm.cloudInit === null ? 0 : 1));
  if (vm.boot.kind !== 'kernel') return;
  const { kernel, initrd, cmdline } = vm.boot;
  const os = child(domain, 'os');
  // xml2js reads white space alone, as which it also counts U+FEFF, as an empty element.
  const blank = cmdline === '' ? undefined : {};
  expect([text('kernel', os), text('initrd', os) ?? null, text('cmdline', os)]).toEqual([
    kernel,
    initrd,
    cmdline.trim() === '' ? blank : cmdline,
  ]);
}

const BARE_NFT = /^[a-z0-9_{};:,.=!@& -]*$/;

function checkCounters(lab: Lab, host: HostState): void {
  const targets = targetsOf(lab, host);
  if (targets.length === 0) return;
  const known = vocabulary(lab, host);
  const script = counterScript('vmnet_proof_1', targets, ['02:00:00:00:00:01']);
  const [, ...quoted] = script.split('"').filter((_, i) => i % 2 === 1 || i === 0);
  expect(quoted.filter(name => !known.names.has(name))).toEqual([]);
  expect(script.split('\n').length).toBe(4);
  for (const line of script.replace(/"[A-Za-z0-9_.-]{1,15}"/g, 'x').split('\n'))
    expect(line).toMatch(BARE_NFT);
}

/** Load, and plan what can be loaded; the number of labs that were. */
async function feed(texts: fc.Arbitrary<string | Uint8Array>, count: number): Promise<number> {
  let accepted = 0;
  const property = fc.asyncProperty(texts, async content => {
    const lab = await load(content);
    if (lab === null) return;
    accepted++;
    await checkPlans(lab);
  });
  await fc.assert(property, runs(count));
  return accepted;
}

/** 10,000 files; those that are labs are planned, made and unmade on a host that fits. */
describe(`no file does harm (seed ${SEED})`, { timeout: 300_000 * TIMES }, () => {
  test('good labs, with names that are words of every language around', async () => {
    expect(await feed(anyKeywordText, 500)).toBeGreaterThan(350 * TIMES);
  });

  test('good labs with one to five things changed', async () => {
    expect(await feed(anyMutatedText, 4500)).toBeGreaterThan(50 * TIMES);
  });

  test('bytes of good and bad labs flipped, cut, repeated and spliced', async () => {
    expect(await feed(anyEditedBytes, 3500)).toBeGreaterThan(25 * TIMES);
  });

  test('bytes of any kind', async () => {
    await feed(anyBytes, 1500);
  });
});
