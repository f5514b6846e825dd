import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hypervisor } from '#libvirt';

const MARK = 'urn:vmnet:test';

const domainXml = (name: string): string => `
  <domain type='test'>
    <name>${name}</name>
    <metadata><m:mark xmlns:m='${MARK}' lab='ü'/></metadata>
    <memory>65536</memory>
    <os><type>hvm</type></os>
  </domain>`;

let hypervisor: Hypervisor;

beforeAll(async () => {
  // libvirt's own mock: its state lives in this process, and begins with one running domain and one network.
  hypervisor = await Hypervisor.open('test:///default');
});

afterAll(() => hypervisor.close());

describe('what libvirt holds', () => {
  it('lists domains', async () => {
    const domains = await hypervisor.listDomains({ metadataUri: MARK });
    expect(domains).toContainEqual({
      name: 'test',
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      id: 1,
      state: 'running',
      reason: expect.any(Number),
      persistent: true,
      autostart: false,
      metadata: null,
      liveMetadata: null,
      xml: null,
      liveXml: null,
      nics: [{ mac: 'aa:bb:cc:dd:ee:ff', target: 'testnet0' }],
    });
  });

  it('lists networks and gives their XML', async () => {
    expect(await hypervisor.listNetworks()).toEqual([{ name: 'default', active: true, bridge: 'virbr0' }]);
    expect(await hypervisor.networkXml('default')).toMatch(/^<network>/);
  });

  it('tells what an agent says of interfaces, many times over', async () => {
    const [domain] = await hypervisor.listDomains();
    const ask = () => hypervisor.agentInterfaces(domain?.uuid ?? '');
    const all = await Promise.all(Array.from({ length: 200 }, ask));
    for (const told of all)
      expect(told).toEqual([
        {
          name: 'testnet0',
          mac: 'aa:bb:cc:dd:ee:ff',
          addresses: [expect.stringMatching(/^192\.168\.122\.\d+$/)],
        },
      ]);
    await expect(hypervisor.agentInterfaces(randomUUID())).rejects.toMatchObject({ code: 'libvirt' });
  });

  it('tells versions, and what the host can do', async () => {
    expect(await hypervisor.versions()).toMatchObject({
      libvirt: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      uri: 'test:///default',
      type: 'TEST',
    });
    expect(await hypervisor.capabilities()).toContain('<capabilities>');
  });
});

describe('the life of a domain', () => {
  it('goes from defined to gone', async () => {
    const uuid = await hypervisor.defineDomain(domainXml('life'));
    expect(await hypervisor.lookupDomainByName('life')).toBe(uuid);
    expect(await hypervisor.state(uuid)).toMatchObject({ state: 'shutoff' });

    await hypervisor.create(uuid);
    expect(await hypervisor.state(uuid)).toMatchObject({ state: 'running' });
    await hypervisor.setAutostart(uuid, true);
    const listed = (await hypervisor.listDomains({ metadataUri: MARK })).find(it => it.uuid === uuid);
    expect(listed).toMatchObject({
      state: 'running',
      autostart: true,
      metadata: '<mark lab="&#xFC;"/>',
      liveMetadata: '<mark lab="&#xFC;"/>',
      xml: expect.stringContaining('<name>life</name>'),
    });

    await hypervisor.destroy(uuid);
    await expect(hypervisor.destroy(uuid)).rejects.toMatchObject({ libvirtName: 'OPERATION_INVALID' });
    await hypervisor.undefine(uuid);
    expect(await hypervisor.lookupDomainByName('life')).toBeNull();
    await expect(hypervisor.state(uuid)).rejects.toMatchObject({ code: 'libvirt', libvirtCode: 42 });
  });

  it.each([
    ['declared further up', `<metadata xmlns:m='${MARK}'><m:mark lab='x'/></metadata>`, '<mark lab="x"/>'],
    ['further in', `<metadata><a:b xmlns:a='x'><m:mark xmlns:m='${MARK}'/></a:b></metadata>`, null],
    [
      'in the words of others',
      `<metadata><a:b xmlns:a='x'><![CDATA[<m:mark xmlns:m="${MARK}"/>]]></a:b></metadata>`,
      null,
    ],
    [
      'with more in it',
      `<metadata><m:mark xmlns:m='${MARK}'><m:more/></m:mark></metadata>`,
      '<mark>\n  <more/>\n</mark>',
    ],
  ])('reads a mark as libvirt does: %s', async (_, metadata, expected) => {
    const xml = domainXml('odd').replace(/<metadata>.*<\/metadata>/, metadata);
    const uuid = await hypervisor.defineDomain(xml);
    const listed = (await hypervisor.listDomains({ metadataUri: MARK })).find(it => it.uuid === uuid);
    expect(listed).toMatchObject({ metadata: expected, nics: [] });
    await hypervisor.undefine(uuid);
  });

  it('leaves metadata and XML out where no URI is asked for', async () => {
    const uuid = await hypervisor.defineDomain(domainXml('unmarked'));
    const listed = (await hypervisor.listDomains()).find(it => it.uuid === uuid);
    expect(listed).toMatchObject({ id: null, metadata: null, liveMetadata: null, xml: null, nics: [] });
    await hypervisor.undefine(uuid);
  });

  it.each(['name', 'uuid'] as const)(
    'gives the whole XML of a domain that is asked for by its %s',
    async key => {
      const uuid = await hypervisor.defineDomain(domainXml('whole'));
      const asked = { name: 'whole', uuid }[key];
      const listed = (await hypervisor.listDomains({ whole: [asked] })).find(it => it.uuid === uuid);
      expect(listed).toMatchObject({ metadata: null, xml: expect.stringContaining('<name>whole</name>') });
      expect(listed?.liveXml).toBeNull();
      await hypervisor.undefine(uuid);
    },
  );

  it('names the domain whose XML is wrong', async () => {
    await expect(hypervisor.defineDomain(domainXml('wrong').replace('hvm', 'nothing'))).rejects.toThrow(
      /^cannot define domain wrong: /,
    );
  });
});

describe('failures', () => {
  it('200 at once have the right code and name the right object each', async () => {
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const name = index % 2 === 0 ? `no-such-net-${index}` : randomUUID();
      const call = index % 2 === 0 ? hypervisor.networkXml(name) : hypervisor.domainXml(name);
      const error = await call.then(
        () => null,
        reason => reason,
      );
      expect(error).toMatchObject({ libvirtCode: index % 2 === 0 ? 43 : 42 });
      expect(error.message).toContain(name);
    });
    await Promise.all(calls);
  });

  it('a string with a NUL never reaches libvirt', async () => {
    await expect(hypervisor.lookupDomainByName('te\0st')).rejects.toThrow('without a NUL character');
  });

  it('a closed connection takes no calls', async () => {
    const other = await Hypervisor.open('test:///default');
    await other.close();
    await other.close();
    await expect(other.listDomains()).rejects.toThrow('was closed');
  });

  it('calls in progress end before the connection does', async () => {
    const other = await Hypervisor.open('test:///default', { workers: 1 });
    const [first, second] = [other.capabilities(), other.listDomains()];
    const refused = expect(second).rejects.toThrow('was closed');
    await other.close();
    expect(await first).toContain('<capabilities>');
    await refused;
  });

  it('an aborted call rejects with the reason', async () => {
    const reason = new Error('stop');
    await expect(hypervisor.listDomains({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const call = hypervisor.listDomains({}, { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(await hypervisor.listDomains()).not.toEqual([]);
  });
});
