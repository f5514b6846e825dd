import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainNetwork } from '../../src/sandbox/network.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';
import { pathsOf } from '../support/paths.js';

// Guests behind macvtaps: proven from the LAN's side, since neither a bridge nor the host sees their frames.

const LEFT = '192.0.2.50';
const RIGHT = '192.0.2.51';

let box: Box;
let before: Snapshot;
let file: string;
let first: Answer;

const nic = (address: string, more: object = {}) => ({
  type: 'macvtap',
  uplink: 'eth0',
  address: [`${address}/24`, `fd00:db8::${address.split('.').at(-1)}/64`],
  ...more,
});

const content = (mode = 'bridge') => ({
  name: 'mv',
  bridges: {},
  vms: {
    left: { boot: 'probe', nics: [nic(LEFT, { mode, mac: '52:54:00:00:00:50', tap: 'mv-left' })] },
    right: { boot: 'probe', nics: [nic(RIGHT, { mode, queues: 2 })] },
  },
});

const verdicts = (answer: Answer) =>
  Object.fromEntries(pathsOf(answer).map(({ vm, verdict, reason }) => [vm, [verdict, reason]]));

const BOTH_DIRECT = { left: ['direct', null], right: ['direct', null] };

beforeAll(async () => {
  box = await Box.up([plainNetwork('eth0')]);
  before = await box.snapshot();
  file = await box.lab(content());
  first = await box.vmnet('provision', file);
  expect(first.json.error).toBeNull();
});

afterAll(() => box?.down());

describe('a guest behind a macvtap', () => {
  it('is proven direct', () => {
    expect(verdicts(first)).toEqual(BOTH_DIRECT);
    expect(first.code).toBe(0);
    for (const { evidence } of pathsOf(first)) {
      expect(evidence.uplink).toMatchObject({ name: 'eth0' });
      expect(evidence.uplink.captured).toBeGreaterThan(0);
      expect(evidence.inbound.captured).toBeGreaterThan(0);
      expect(evidence.first.left).toMatchObject({ port: 'eth0' });
      expect(evidence.fullSize).toMatchObject({ bytes: 1500 });
      expect(evidence.fullSize.left).toBeGreaterThan(0);
      expect(evidence.hostStack).toEqual({ prerouting: 0, forward: 0, input: 0, arp: 0, toGuest: 0 });
    }
  });

  it('has a device of the name and the MAC that the lab says', async () => {
    const [link] = JSON.parse(await box.run('ip', '-j', '-d', 'link', 'show', 'dev', 'mv-left'));
    expect(link).toMatchObject({ address: '52:54:00:00:00:50', link: 'eth0' });
    expect(link.linkinfo).toMatchObject({ info_kind: 'macvtap', info_data: { mode: 'bridge' } });
  });

  it('answers the LAN, and not the host, as the plan says', async () => {
    expect(await box.pingFromLan(LEFT)).toBe(3);
    const fromHost = await box.attempt('host', 'ping', '-c', '2', '-W', '1', LEFT);
    expect(fromHost.stdout).toContain(' 0 received');
    const { json } = await box.vmnet('plan', file);
    expect(json.plan.notes.join()).toMatch(/this host and left, right cannot reach each other through eth0/);
  });

  it('is shown by status with what it hangs on', async () => {
    const { json } = await box.vmnet('status', 'mv');
    const [left] = json.vms[0].nics;
    expect(left).toMatchObject({ tap: 'mv-left', bridge: 'eth0 (macvtap, bridge)', present: true });
    expect(left.received).toBeGreaterThan(0);
  });

  it('is explained in sentences', async () => {
    const { stdout } = await box.vmnetText('verify', 'mv', '--explain');
    expect(stdout).toContain('left, NIC 0: direct.');
    expect(stdout).toMatch(/unicast were captured leaving eth0 behind all filters, with the guest's own MAC/);
    expect(stdout).toMatch(/of our echo requests reached mv-left/);
    expect(stdout).toContain("The host's IP stack saw none of it.");
  });

  it('is told by trace to have no bridge that could be followed', async () => {
    const { code, json } = await box.vmnet('trace', 'left');
    expect([code, json.error.code]).toEqual([2, 'usage']);
    expect(json.error.hint).toContain('tcpdump -ni eth0 ether host 52:54:00:00:00:50');
  });

  it('needs no step a second time', async () => {
    const { json, code } = await box.vmnet('provision', file);
    expect([code, json.steps]).toEqual([0, []]);
  });
});

describe('the proof can fail', () => {
  const verify = () => box.vmnet('verify', 'mv', '--timeout', '2');
  const nft = (hook: string, verdict = 'drop') =>
    box.run(
      'nft',
      `table netdev far { chain c { type filter hook ${hook} device "eth0" priority 0; ${verdict}; }; }`,
    );
  const noNft = () => box.run('nft', 'delete', 'table', 'netdev', 'far');
  const each = (verdict: string, reason: string) => ({ left: [verdict, reason], right: [verdict, reason] });

  it('the uplink is down', async () => {
    await box.run('ip', 'link', 'set', 'dev', 'eth0', 'down');
    const answer = await verify();
    expect([answer.code, verdicts(answer)]).toEqual([3, each('blocked', 'uplink-down')]);
    await box.run('ip', 'link', 'set', 'dev', 'eth0', 'up');
    // What the kernel takes from an interface that goes down.
    await box.run('ip', 'route', 'replace', 'default', 'via', '192.0.2.1', 'dev', 'eth0');
    await box.run('ip', 'address', 'add', 'fd00:db8::2/64', 'dev', 'eth0', 'nodad');
    await box.run('ip', '-6', 'route', 'add', 'default', 'via', 'fd00:db8::1', 'dev', 'eth0');
  });

  it('the cable is out', async () => {
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'down');
    await expect.poll(() => box.run('ip', '-br', 'link', 'show', 'dev', 'eth0')).toContain('NO-CARRIER');
    expect(verdicts(await verify())).toEqual(each('blocked', 'uplink-no-carrier'));
    await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'up');
    await expect.poll(() => box.run('ip', '-br', 'link', 'show', 'dev', 'eth0')).not.toContain('NO-CARRIER');
  });

  it('a filter lets nothing out', async () => {
    await nft('egress');
    const answer = await verify();
    await noNft();
    expect(verdicts(answer)).toEqual(each('blocked', 'uplink-egress-filter'));
    expect(pathsOf(answer)[0]?.hint).toContain('netdev table far, chain c');
  });

  it('a filter lets nothing in', async () => {
    await nft('ingress');
    const answer = await verify();
    await noNft();
    expect(verdicts(answer)).toEqual(each('blocked', 'uplink-ingress-filter'));
  });

  it('a guest is frozen', async () => {
    await box.run('virsh', '-q', 'suspend', 'mv-left');
    const answer = await verify();
    await box.run('virsh', '-q', 'resume', 'mv-left');
    expect(verdicts(answer)).toEqual({ ...BOTH_DIRECT, left: ['unproven', 'guest-paused'] });
  });

  it('its QEMU stands still, which libvirt does not know', async () => {
    const pid = (await box.run('pgrep', '-f', 'guest=mv-left,')).trim();
    await box.run('kill', '-STOP', pid);
    const answer = await box.vmnet('verify', 'mv', '--timeout', '1');
    await box.run('kill', '-CONT', pid);
    expect(verdicts(answer)).toEqual({ ...BOTH_DIRECT, left: ['unproven', 'guest-silent'] });
  });

  it('the device takes another MAC', async () => {
    await box.run('ip', 'link', 'set', 'dev', 'mv-left', 'address', '52:54:00:00:00:99');
    const answer = await verify();
    await box.run('ip', 'link', 'set', 'dev', 'mv-left', 'address', '52:54:00:00:00:50');
    expect(verdicts(answer)).toEqual({ ...BOTH_DIRECT, left: ['blocked', 'macvtap-mac'] });
  });

  it('and is well again when all is as before', async () => {
    expect(verdicts(await box.vmnet('verify', 'mv', '--timeout', '20'))).toEqual(BOTH_DIRECT);
  });
});

describe('guests that are apart', () => {
  it('in private mode, each is direct all the same', async () => {
    const other = await box.lab(content('private'), 'private.json');
    const running = await box.vmnet('provision', other);
    expect(running.json.notes.join()).toContain('--restart');
    const check = running.json.checks.find(({ name }: { name: string }) => name === 'macvtap');
    expect([check.verdict, check.reason]).toEqual(['failed', 'macvtap-mode']);
    const answer = await box.vmnet('provision', '--restart', other);
    expect([answer.code, verdicts(answer)]).toEqual([0, BOTH_DIRECT]);
  });
});

describe('what stands in the way is told before anything changes', () => {
  const lab = (more: object) =>
    box.lab(
      { name: 'other', bridges: {}, vms: { one: { boot: 'probe', nics: [nic('192.0.2.60', more)] } } },
      'o.json',
    );

  it.each([
    ['an interface that is not there', { uplink: 'eth7' }, /this host has no interface eth7/],
    [
      'passthru of an interface that others share',
      { mode: 'passthru' },
      /eth0 can have no macvtap in passthru mode/,
    ],
    ['a name that is in use', { tap: 'mv-left' }, /interface of that name exists/],
  ])('%s', async (_, more, message) => {
    const { code, json } = await box.vmnet('provision', await lab(more));
    expect([code, json.error.message]).toEqual([expect.any(Number), expect.stringMatching(message)]);
    expect(code).not.toBe(0);
  });

  it('a bridge for an interface that carries macvtaps', async () => {
    const bridged = await box.lab({ name: 'br', bridges: { br0: { uplink: 'eth0' } } }, 'b.json');
    const { json } = await box.vmnet('provision', bridged);
    expect(json.error.message).toMatch(/eth0 cannot become a port: it carries .*mv-left/);
  });
});

it("destroy leaves the host as it was, also of a device that libvirt's death has left over", async () => {
  const right = first.json.checks.find(
    (check: { name: string; vm: string }) => check.name === 'macvtap' && check.vm === 'right',
  ).evidence.macvtap;
  const mac = pathsOf(first).find(({ vm }) => vm === 'right')?.evidence.addresses;
  expect(mac).not.toEqual([]);
  await box.run('virsh', '-q', 'destroy', 'mv-right');
  const [line] = JSON.parse((await box.vmnet('status', 'mv')).stdout).vms[1].nics;
  const leave = () =>
    box.run(
      ...`ip link add link eth0 name ${right} address ${line.mac} type macvtap mode private`.split(' '),
    );
  await leave();
  const again = await box.vmnet('provision', await box.lab(content('private'), 'private.json'));
  expect([again.code, verdicts(again)]).toEqual([0, BOTH_DIRECT]);
  expect(again.json.steps[0].title).toBe(`delete macvtap ${right} of right`);
  await box.run('virsh', '-q', 'destroy', 'mv-right');
  await leave();
  expect((await box.vmnet('destroy', 'mv')).code).toBe(0);
  expect(await box.differenceFrom(before)).toEqual([]);
  expect(await box.run('sh', '-c', 'ls /dev | grep -c "^tap" || true')).toBe('0\n');
});
