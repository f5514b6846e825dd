import { fileURLToPath } from 'node:url';
import type { Box, Ended } from './box.js';

const TALK = fileURLToPath(new URL('talk.mjs', import.meta.url));

export interface EndpointOptions {
  /** CIDRs. */
  readonly addresses: readonly string[];
  /** Of the default routes. */
  readonly gateways?: readonly string[];
}

/** A namespace with a cable into a bridge: it plays a guest that any user may have configured. */
export class Endpoint {
  private constructor(
    private readonly box: Box,
    readonly name: string,
  ) {}

  static async up(box: Box, name: string, bridge: string, options: EndpointOptions): Promise<Endpoint> {
    await box.run('ip', 'netns', 'add', name);
    await box.run(
      'ip',
      'link',
      'add',
      'name',
      `${name}0`,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      name,
    );
    await box.run('ip', 'link', 'set', 'dev', `${name}0`, 'master', bridge, 'up');
    const endpoint = new Endpoint(box, name);
    await endpoint.run('ip', 'link', 'set', 'dev', 'lo', 'up');
    await endpoint.run('ip', 'link', 'set', 'dev', 'eth0', 'up');
    for (const cidr of options.addresses)
      await endpoint.run(
        'ip',
        'address',
        'add',
        cidr,
        'dev',
        'eth0',
        ...(cidr.includes(':') ? ['nodad'] : []),
      );
    for (const gateway of options.gateways ?? [])
      await endpoint.run('ip', 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0', 'onlink');
    return endpoint;
  }

  /** The namespace takes its end of the cable along, and that the other. */
  async down(): Promise<void> {
    await this.box.run('ip', 'link', 'del', 'dev', `${this.name}0`);
    await this.box.run('ip', 'netns', 'del', this.name);
  }

  run = (...words: string[]): Promise<string> => this.box.run('ip', 'netns', 'exec', this.name, ...words);

  attempt = (...words: string[]): Promise<Ended> =>
    this.box.attempt('host', 'ip', 'netns', 'exec', this.name, ...words);

  /** How many of three echo requests an address answers. */
  async ping(address: string): Promise<number> {
    const { stdout } = await this.attempt('ping', '-c', '3', '-i', '0.2', '-W', '2', address);
    return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
  }
}

type Run = (...words: string[]) => Promise<Ended>;

/** Who is heard at the listener when the other side says something to it; empty where nobody is. */
export async function heard(
  protocol: 'tcp' | 'udp',
  listener: Run,
  address: string,
  speaker: Run,
  port = '7000',
): Promise<{ from: string; answer: string }> {
  const [listened, said] = await Promise.all([
    listener(process.execPath, TALK, 'listen', protocol, port),
    speaker(process.execPath, TALK, 'say', protocol, address, port),
  ]);
  return { from: listened.stdout.trim(), answer: said.stdout.trim() };
}
