import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainNetwork } from '../../src/sandbox/network.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';

// The NICs of a guest that runs: plugged, pulled out and unplugged without a restart; large frames and several queues.

const FIRST = { bridge: 'br0', address: '192.0.2.50/24', queues: 2 };
const SECOND = { bridge: 'br0', mac: '52:54:00:aa:bb:01' };
const lab = (nics: readonly object[]) => ({
  name: 'cards',
  bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off', mtu: 9000 } },
  vms: { web: { boot: 'probe', vcpus: 2, nics } },
});

let box: Box;
let before: Snapshot;
let process: string;

beforeAll(async () => {
  box = await Box.up([plainNetwork('eth0')]);
  await box.run('ip', 'link', 'set', 'dev', 'eth0', 'mtu', '9000');
  await box.lan('ip', 'link', 'set', 'dev', 'lan0', 'mtu', '9000');
  before = await box.snapshot();
});

afterAll(() => box?.down());

const qemu = () => box.run('cat', '/run/libvirt/qemu/cards-web.pid');
const paths = ({ json }: Answer) =>
  json.checks
    .filter(({ name }: { name: string }) => name === 'path')
    .map(({ nic, verdict }: { nic: number; verdict: string }) => `${nic} ${verdict}`);
const phases = ({ json }: Answer) => json.steps.map(({ phase }: { phase: string }) => phase);

/** Provision, without a restart; a second run finds nothing to do. */
async function become(nics: readonly object[]): Promise<Answer> {
  const file = await box.lab(lab(nics));
  const answer = await box.vmnet('provision', file);
  expect(answer.json.error).toBeNull();
  expect((await box.vmnet('plan', file)).json.plan.phases).toEqual([]);
  return answer;
}

describe('a guest on a bridge of large frames', () => {
  it('is proven, with as many queues as the lab says', async () => {
    const answer = await become([FIRST]);
    expect([answer.code, paths(answer)]).toEqual([0, ['0 direct']]);
    process = await qemu();
    const [tap] = JSON.parse(await box.run('ip', '-j', '-d', 'link', 'show', 'type', 'tun'));
    expect(tap).toMatchObject({ mtu: 9000, linkinfo: { info_data: { multi_queue: true } } });
    expect(await box.run('ls', `/sys/class/net/${tap.ifname}/queues`)).toMatch(/tx-0\ntx-1/);
    expect(await box.run('virsh', 'dumpxml', 'cards-web')).toMatch(/<driver queues='2'\/>|queues='2'/);
  });

  it('answers what may not be fragmented, of 9000 bytes', async () => {
    const { stdout } = await box.attempt(
      'lan',
      ...'ping -M do -s 8972 -c 3 -i 0.2 -W 3 192.0.2.50'.split(' '),
    );
    expect(stdout).toContain('8980 bytes from 192.0.2.50');
  });
});

describe('while it runs', () => {
  it('gets a second NIC', async () => {
    const answer = await become([FIRST, SECOND]);
    expect([answer.code, phases(answer), paths(answer)]).toEqual([
      0,
      ['taps', 'domains', 'start'],
      ['0 direct', '1 direct'],
    ]);
    expect(await qemu()).toBe(process);
    expect(await box.pingFromLan('192.0.2.50')).toBe(3);
  });

  it('has its cable pulled and put in again', async () => {
    const down = await become([FIRST, { ...SECOND, link: 'down' }]);
    expect([down.code, paths(down)]).toEqual([0, ['0 direct', '1 down']]);
    expect(await box.run('virsh', 'domif-getlink', 'cards-web', SECOND.mac)).toContain('down');
    const up = await become([FIRST, SECOND]);
    expect([up.code, paths(up)]).toEqual([0, ['0 direct', '1 direct']]);
  });

  it('loses it again, and the tap only when nobody has it open', async () => {
    const answer = await become([FIRST]);
    expect([answer.code, answer.json.steps.map(({ title }: { title: string }) => title)]).toEqual([
      0,
      [
        `unplug the NIC ${SECOND.mac} from cards-web`,
        expect.stringMatching(/^delete tap /),
        expect.stringMatching(/^define /),
        expect.stringMatching(/^write down/),
      ],
    ]);
    expect(await qemu()).toBe(process);
    expect(paths(answer)).toEqual(['0 direct']);
  });

  /** Kill a provision as soon as libvirt's own file on the running guest has the second NIC, or has it no more. */
  async function killedWhen(has: boolean, nics: readonly object[]): Promise<void> {
    const file = await box.lab(lab(nics), 'killed.json');
    const condition = `${has ? '' : '! '}grep -q ${SECOND.mac} /run/libvirt/qemu/cards-web.xml`;
    const kill = `"$@" & pid=$!; until ${condition}; do kill -0 $pid || break; done; kill -9 $pid; wait $pid`;
    const ended = await box.killedIn(['sh', '-c', kill, 'sh'], 'provision', file);
    expect(ended).toMatchObject({ code: 137, stdout: '' });
    expect((await box.vmnet('recover')).json).toMatchObject({ error: null, recovered: { cards: 'undone' } });
    expect(await qemu()).toBe(process);
  }

  it('is as before after a run that was killed as it plugged one in', async () => {
    await killedWhen(true, [FIRST, SECOND]);
    expect(await box.run('virsh', 'dumpxml', 'cards-web')).not.toContain(SECOND.mac);
    expect((await box.vmnet('plan', await box.lab(lab([FIRST])))).json.plan.phases).toEqual([]);
  });

  it('is as before after one that was killed as it unplugged one', async () => {
    const answer = await become([FIRST, SECOND]);
    expect(paths(answer)).toEqual(['0 direct', '1 direct']);
    await killedWhen(false, [FIRST]);
    const again = await become([FIRST, SECOND]);
    expect([again.json.changed, paths(again)]).toEqual([0, ['0 direct', '1 direct']]);
  });

  it('keeps a NIC that would be another card until it is restarted', async () => {
    const file = await box.lab(lab([{ ...FIRST, queues: 1 }, SECOND]));
    const answer = await box.vmnet('plan', file);
    expect(answer.json.plan.notes).toEqual([expect.stringContaining('NIC 0 is to be another card')]);
  });
});

it('goes without a trace', async () => {
  expect((await box.vmnet('destroy', 'cards')).json.error).toBeNull();
  expect(await box.differenceFrom(before)).toEqual([]);
});
