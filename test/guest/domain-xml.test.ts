import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDrivers } from '../../src/drivers/drivers.js';
import { buildProbe, type ProbeGuest } from '../../src/guest/build.js';
import type { Snapshot } from '../../src/sandbox/snapshot.js';
import { type Answer, Box } from '../support/box.js';

// A VM that its user describes in libvirt's own words, with things of which vmnet knows nothing.

const MAC = '52:54:00:00:00:50';
const ADDRESS = '192.0.2.50';

/** With the address of every device, as libvirt prints it: nothing is left for it to choose. */
const ownXml = ({ kernel, initrd }: ProbeGuest) => `<?xml version='1.0' encoding="UTF-8"?>
<!-- <domain><devices></devices></domain> -->
<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' type = "qemu">
\t<name>of-somebody</name>\t<!-- <name>another</name> -->
\t<uuid>6fab742a-9660-4461-bbba-2bc139f29674</uuid>
\t<title>R &amp; D &#x2014; "it"</title>
\t<description><![CDATA[</domain> & <devices>]]> &lt;end&gt;</description>
\t<metadata>
\t\t<site:note xmlns:site="https://example.org/site/1" rack='7'>kept &amp; whole<site:devices/></site:note>
\t</metadata>
\t<memory unit='b'>134217728</memory>
\t<vcpu placement='static'>2</vcpu>
\t<os>
\t\t<type arch='x86_64' machine="pc">hvm</type>
\t\t<kernel>${kernel}</kernel><initrd>${initrd}</initrd>
\t\t<cmdline>console=ttyS0 quiet panic=-1 net.ifnames=0 vmnet.nic=${MAC},${ADDRESS}/24</cmdline>
\t</os>
\t<features><acpi/></features>
\t<devices>
\t\t<controller type='usb' model='none'/>
\t\t<interface type='user'>
\t\t\t<mac address='52:54:00:0a:0b:0c'/>
\t\t\t<model type='e1000'/>
\t\t\t<address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>
\t\t</interface>
\t\t<serial type='pty'/>
\t\t<memballoon model="none"/>
\t\t<graphics type='vnc' autoport='yes' passwd='s3cr3t'/>
\t\t<rng model='virtio'>
\t\t\t<backend model='random'>/dev/urandom</backend>
\t\t\t<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>
\t\t</rng>
\t\t<!-- </devices> -->
\t</devices>
\t<qemu:commandline>
\t\t<qemu:arg value='-fw_cfg'/>
\t\t<qemu:arg value='name=opt/org.example.site,string=&lt;devices>'/>
\t</qemu:commandline>
</domain>`;

let box: Box;
let before: Snapshot;
let file: string;
let own: string;
let first: Answer;
let uuid: string;

beforeAll(async () => {
  box = await Box.up();
  own = join(box.folder, 'own.xml');
  await writeFile(own, ownXml(await buildProbe(makeDrivers({}, process.env))));
  before = await box.snapshot();
  file = await box.lab({
    name: 'own',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off' } },
    defaults: { vm: { memory: '1GiB', cloudInit: {} } },
    vms: {
      web: { boot: { domainXml: 'own.xml' }, nics: [{ bridge: 'br0', mac: MAC, address: `${ADDRESS}/24` }] },
    },
  });
  first = await box.vmnet('provision', file);
  expect(first.json.error).toBeNull();
  uuid = (await box.run('virsh', 'domuuid', 'own-web')).trim();
});

afterAll(() => box?.down());

const pathOf = (answer: Answer) =>
  answer.json.checks.find((check: { name: string }) => check.name === 'path') as { verdict: string };

/** A domain as libvirt keeps it, without what is vmnet's. */
async function kept(domain: string): Promise<string> {
  const xml = await box.run('virsh', 'dumpxml', '--inactive', domain);
  return xml
    .replace(/^ {2}<name>.*<\/name>\n/m, '')
    .replace(/^ {2}<uuid>.*<\/uuid>\n/m, '')
    .replace(/\s*<vmnet:endpoint [^>]*\/>/, '')
    .replace(/^ {4}<interface type='ethernet'>\n(?: {6}.*\n)*? {4}<\/interface>\n/m, '');
}

describe('a VM of a domain XML of its own', () => {
  it('is proven direct and answers the LAN', async () => {
    expect(first.code).toBe(0);
    expect(pathOf(first)).toMatchObject({ verdict: 'direct' });
    expect(await box.pingFromLan(ADDRESS)).toBe(3);
  });

  it('is what libvirt makes of the file alone, but for name, UUID, mark and the card', async () => {
    await box.run('virsh', '-q', 'define', own);
    const [alone, ours] = [await kept('of-somebody'), await kept('own-web')];
    await box.run('virsh', '-q', 'undefine', 'of-somebody');
    expect(ours).toBe(alone);
    for (const word of [
      'https://example.org/site/1',
      'opt/org.example.site',
      '/dev/urandom',
      '&lt;/domain&gt;',
    ])
      expect(ours).toContain(word);
    const whole = await box.run('virsh', 'dumpxml', '--inactive', 'own-web');
    expect(whole).toMatch(/<vmnet:endpoint [^>]*lab="own" vm="web"/);
    expect(whole).toContain(`<mac address='${MAC}'/>`);
    expect(whole).toContain(`<uuid>${uuid}</uuid>`);
  });

  it('has the cards of its user, and the arguments that vmnet does not know', async () => {
    const cards = await box.run('virsh', '-q', 'domiflist', 'own-web');
    expect(cards).toContain('52:54:00:0a:0b:0c');
    const processes = await box.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(processes).toContain('-fw_cfg name=opt/org.example.site,string=<devices>');
  });

  it('is printed byte for byte, with what is spliced in', async () => {
    const { stdout } = await box.vmnetText('xml', file, 'web');
    const text = await readFile(own, 'utf8');
    const [added, gone] = [lineSet(stdout, text), lineSet(text, stdout)];
    expect(gone.map(line => line.trim())).toEqual([
      expect.stringContaining('<name>of-somebody</name>'),
      '<uuid>6fab742a-9660-4461-bbba-2bc139f29674</uuid>',
    ]);
    expect(added[0]).toBe('\t<name>own-web</name>\t<!-- <name>another</name> -->');
    expect(added).toContain('\t\t<interface type="ethernet">');
    expect(added).toContain(`\t\t\t<mac address="${MAC}"/>`);
    const { json } = await box.vmnet('xml', file, '--interfaces');
    expect(json.vms).toMatchObject([{ name: 'web', accel: 'tcg', interfaces: [{ mac: MAC }] }]);
  });

  it('is shown resolved without what is not for it', async () => {
    const { stdout } = await box.vmnetText('validate', file, '--resolved');
    expect(JSON.parse(stdout).vms.web).toEqual({
      boot: { domainXml: own },
      nics: [expect.objectContaining({ mac: MAC })],
    });
  });

  it('needs no step a second time', async () => {
    const { code, json } = await box.vmnet('provision', file, '--no-verify');
    expect([code, json.steps]).toEqual([0, []]);
  });

  it('is defined anew when its file changes, and restarted when that is asked for', async () => {
    const text = await readFile(own, 'utf8');
    await writeFile(own, text.replace("rack='7'", "rack='8'"));
    const { stdout } = await box.vmnetText('plan', file);
    expect(stdout).toContain(
      `+ define own-web (as "${own}" says, 1 NIC)\n      because its definition differs from the lab`,
    );
    expect(JSON.stringify((await box.vmnet('plan', file)).json)).not.toContain('s3cr3t');
    const kept = await box.vmnet('provision', file, '--no-verify');
    expect(kept.json.steps).toHaveLength(1);
    expect(kept.json.notes.join()).toContain('web runs with its former definition');
    const again = await box.vmnet('provision', file, '--restart');
    expect([again.code, pathOf(again).verdict]).toEqual([0, 'direct']);
    expect(await box.run('virsh', 'dumpxml', 'own-web')).toContain('rack="8"');
    expect((await box.run('virsh', 'domuuid', 'own-web')).trim()).toBe(uuid);
  });

  it('goes back when libvirt refuses the file', async () => {
    const text = await readFile(own, 'utf8');
    await writeFile(own, text.replace("<rng model='virtio'", "<rng model='none-such'"));
    const { code, json } = await box.vmnet('provision', file, '--restart');
    expect([code, json.error.code]).toEqual([1, 'libvirt']);
    expect(json.error.message).toContain('none-such');
    expect(json.error.hint).toContain(`own-web is what ${JSON.stringify(own)} says: correct it there`);
    await writeFile(own, text);
    expect((await box.vmnet('provision', file, '--no-verify')).json.steps).toEqual([]);
  });

  it('is gone after destroy, even without its file, and the host as before', async () => {
    await writeFile(own, '');
    const { code, json } = await box.vmnet('destroy', file);
    expect([code, json.error]).toEqual([0, null]);
    expect(await box.differenceFrom(before)).toEqual([]);
    expect(await readFile(own, 'utf8')).toBe('');
  });
});

/** Lines that only the first has. */
const lineSet = (one: string, other: string): string[] => {
  const known = new Set(other.split('\n'));
  return one.split('\n').filter(line => !known.has(line) && line !== '');
};
